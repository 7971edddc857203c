/** Fields of an extension over HTTP: accepted, stored, shown and printed. A shop without the extension keeps them. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { printedAs } from "../../../broker/contract/fields.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { line } from "../../../broker/contract/schemas.ts";
import { extend } from "../../../broker/moleculer/extension.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  home,
  orderBecomes,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { readPdf } from "../../support/read-pdf.ts";

const gifts = extend({
  name: "gifts",
  fields: {
    order: z.object({ giftNote: printedAs("Gift note", line(100)).optional() }),
    product: z.object({ wrapping: z.enum(["paper", "box"]) }),
    customer: z.object({ birthday: z.iso.date() }),
  },
});
interface WithExt {
  id: string;
  ext?: Record<string, Record<string, unknown>>;
}

describe("Fields of an extension", function () {
  this.timeout(60_000);
  let dataDir: string;
  let shop: Shop;
  let admin: Person;
  let ann: Person;
  let sku: string;
  let productId: string;

  const open = async (known: boolean) => {
    shop = await startShop({ dataDir, ...(known ? { extensions: [gifts] } : {}) });
  };
  const place = (ext?: object) =>
    ann.http.request<OrderView & { errors: { field: string }[] }>("POST", "/orders", {
      body: { shippingAddress: home, payment: { provider: "sandbox" }, ...(ext && { ext }) },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "souk-fields-"));
    await open(true);
    admin = await firstAdmin(shop.http);
    ann = await signUp(shop.http);
    ({ sku, productId } = await putOnSale(admin));
  });
  after(async () => {
    await shop.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("are in the API's description", async () => {
    const { body } = await shop.http.request<{
      components: { schemas: Record<string, { properties: { ext: { properties?: object } } }> };
    }>("GET", "//openapi.json");
    for (const name of ["Order", "PlaceOrder", "Product", "ProductInput", "User"])
      assert.ok("gifts" in (body.components.schemas[name]?.properties.ext.properties ?? {}), name);
  });

  it("go with an order into its view and onto its invoice", async () => {
    await putInCart(ann, sku);
    const refused = await place({ gifts: { giftNote: 1 } });
    assert.deepEqual([refused.status, refused.body.errors], [422, refused.body.errors]);
    assert.equal(refused.body.errors[0]?.field, "ext.gifts.giftNote");
    assert.equal((await place({ other: {} })).body.errors[0]?.field, "ext.other");
    const { status, body: order } = await place({ gifts: { giftNote: "  For you,  Zoë " } });
    assert.equal(status, 201, JSON.stringify(order));
    assert.deepEqual(order.ext, { gifts: { giftNote: "For you,  Zoë" } });
    await decide(ann.http, payPage(order), { outcome: "succeed" });
    const paid = await orderBecomes(ann, order.id, "paid");
    assert.deepEqual(paid.ext, order.ext);
    const pdf = await eventually("there is an invoice", async () => {
      const reply = await fetch(`${shop.url}/api/v1/orders/${order.id}/invoice.pdf`, {
        headers: { authorization: `Bearer ${ann.accessToken}` },
      });
      return reply.status === 200 && Buffer.from(await reply.arrayBuffer());
    });
    assert.match((await readPdf(pdf)).text, /Gift note: For you,\s+Zoë/);
  });

  it("go with products and accounts, and stay where a change does not name them", async () => {
    const ext = { gifts: { wrapping: "box" } };
    const path = `/products/${productId}`;
    await admin.http.expect(422, "PATCH", path, { body: { ext: { gifts: { wrapping: "none" } } } });
    const changed = await admin.http.expect<WithExt>(200, "PATCH", path, { body: { ext } });
    assert.deepEqual(changed.ext, ext);
    assert.deepEqual(
      (await admin.http.expect<WithExt>(200, "PATCH", path, { body: { name: "Lamp" } })).ext,
      ext,
    );
    const { items } = await ann.http.expect<{ items: WithExt[] }>(200, "GET", "/products");
    assert.deepEqual(items.find((it) => it.id === productId)?.ext, ext);
    const made = await admin.http.expect<WithExt>(201, "POST", "/products", {
      body: {
        name: "Vase",
        variants: [{ sku: `VASE-${newId()}`, price: { amount: 1, currency: "USD" } }],
        ext,
      },
    });
    assert.deepEqual(made.ext, ext);

    const birthday = { gifts: { birthday: "2000-02-29" } };
    assert.deepEqual(
      (await ann.http.expect<WithExt>(200, "PATCH", "/users/me", { body: { ext: birthday } })).ext,
      birthday,
    );
    await ann.http.expect(422, "PATCH", "/users/me", { body: { ext: { gifts: { birthday: "yesterday" } } } });
    assert.deepEqual((await ann.http.expect<WithExt>(200, "GET", "/users/me")).ext, birthday);
  });

  it("are kept and passed on, but not taken, by a shop that does not know the extension", async () => {
    await shop.stop();
    await open(false);
    ann = await signIn(shop.http, ann.email);
    admin = await signIn(shop.http, admin.email);
    const { items } = await ann.http.expect<{ items: OrderView[] }>(200, "GET", "/orders");
    const [order] = items;
    assert.deepEqual(order?.ext, { gifts: { giftNote: "For you,  Zoë" } });
    await admin.http.expect(200, "PATCH", `/products/${productId}`, { body: { name: "Lamp 2" } });
    assert.deepEqual(
      (await ann.http.expect<WithExt>(200, "PATCH", "/users/me", { body: { name: "Anna" } })).ext,
      {
        gifts: { birthday: "2000-02-29" },
      },
    );
    await putInCart(ann, sku);
    assert.equal((await place({ gifts: { giftNote: "x" } })).status, 422);
    assert.equal((await place()).status, 201);

    await shop.stop();
    await open(true);
    const kept = await shop.http.expect<WithExt>(200, "GET", `/products/${productId}`);
    assert.deepEqual(kept.ext, { gifts: { wrapping: "box" } });
  });
});
