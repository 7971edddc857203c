/** A write answers exactly what is stored, whatever blanks, marks and direction characters a text has. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { cleanLine } from "../../broker/contract/values/text.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { home, PASSWORD, paidOrder } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { createWorld, type World } from "./support/access.ts";

/** Decomposed, with direction marks, blanks at its ends, and a lone surrogate. */
const WRITTEN = " Zoe\u0308 \u202exyz\u2069\u200f \u{1f600}\u2028e\u0301 ";
const KEPT = "Zoë xyz 😀 é";
const address = {
  ...home,
  name: WRITTEN,
  line1: WRITTEN,
  line2: WRITTEN,
  city: WRITTEN,
  // Its post does not sort by regions, so they are any text.
  country: "GB",
  postalCode: "EC1Y 8SY",
  region: WRITTEN,
};

type Json = Record<string, unknown>;

/** Every text of a view. */
const textsOf = (view: unknown): string[] =>
  typeof view === "string"
    ? [view]
    : typeof view === "object" && view !== null
      ? Object.values(view).flatMap(textsOf)
      : [];

/** @param answered by the write @param read later: at least the same fields */
function isKept(answered: Json, read: Json, places: number, what: string): void {
  assert.deepEqual(read, { ...read, ...answered }, what);
  const kept = textsOf(answered).filter((it) => it === KEPT);
  assert.equal(kept.length, places, `${what}: ${JSON.stringify(answered)}`);
  for (const it of textsOf(answered)) assert.equal(it, cleanLine(it), what);
}

describe("What a write answers", () => {
  let shop: Shop;
  let world: World;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop();
    world = await createWorld(shop);
  });
  after(() => shop?.stop());

  it("is what its reader gets: an account and its addresses", async () => {
    assert.equal(cleanLine(WRITTEN), KEPT);
    const email = `${newId()}@example.com`;
    const { user, accessToken } = await shop.http.expect<{ user: Json; accessToken: string }>(
      201,
      "POST",
      "/auth/register",
      { body: { email, password: PASSWORD, name: WRITTEN } },
    );
    const me = shop.http.as(accessToken);
    isKept(user, await me.expect<Json>(200, "GET", "/users/me"), 1, "register");
    await me.expect(200, "PATCH", "/users/me", { body: { name: "Ann" } });
    const changed = await me.expect<Json>(200, "PATCH", "/users/me", { body: { name: WRITTEN } });
    isKept(changed, await me.expect<Json>(200, "GET", "/users/me"), 1, "change");
    const addresses = async (id: unknown) => {
      const { items } = await me.expect<{ items: Json[] }>(200, "GET", "/users/me/addresses");
      return items.find((it) => it.id === id) ?? assert.fail("the address is lost");
    };
    const made = await me.expect<Json>(201, "POST", "/users/me/addresses", { body: address });
    isKept(made, await addresses(made.id), 5, "address");
    const body = { ...address, line2: undefined, region: undefined };
    const put = await me.expect<Json>(200, "PUT", `/users/me/addresses/${made.id}`, { body });
    isKept(put, await addresses(made.id), 3, "changed address");
  });

  it("is what its reader gets: categories and products", async () => {
    const { http } = world.admin;
    const read = (path: string, id: unknown) => http.expect<Json>(200, "GET", `${path}/${id}`);
    const category = await http.expect<Json>(201, "POST", "/categories", { body: { name: WRITTEN } });
    const { children: _, ...fields } = await read("/categories", category.id);
    isKept(category, { ...category, ...fields }, 1, "category");
    const variants = [
      { sku: `T-${newId()}`, price: { amount: 1, currency: "USD" }, options: { Colour: WRITTEN } },
    ];
    const body = {
      name: WRITTEN,
      description: WRITTEN.replace("\u2028", "\n"),
      categoryIds: [category.id],
      variants,
    };
    const product = await http.expect<Json>(201, "POST", "/products", { body });
    const same = async (answered: Json, what: string) => {
      const found = await read("/products", answered.id);
      assert.deepEqual(found, answered, what);
      assert.equal(found.name, KEPT, what);
      const [variant] = found.variants as { options: Json }[];
      assert.equal(variant?.options.Colour, KEPT, what);
      assert.ok(String(found.description).startsWith("Zoë"), what);
    };
    await same(product, "product");
    await same(await http.expect<Json>(200, "PUT", `/products/${product.id}`, { body }), "replaced product");
    const { variants: __, ...few } = body;
    await same(
      await http.expect<Json>(200, "PATCH", `/products/${product.id}`, { body: few }),
      "changed product",
    );
    const { items } = await shop.http.expect<{ items: Json[] }>(200, "GET", "/products?q=zoe%CC%88%20xyz");
    assert.deepEqual(
      items.map((it) => it.id),
      [product.id],
      "and is found however it is written",
    );
  });

  it("is what its reader gets: an order's address, a delivery, a refund", async function () {
    this.timeout(20_000);
    const { owner, staff, article } = world;
    await owner.http.expect(200, "PUT", `/cart/items/${article.sku}`, { body: { quantity: 1 } });
    const placed = await owner.http.expect<OrderView>(201, "POST", "/orders", {
      body: { shippingAddress: address, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    const order = await owner.http.expect<OrderView>(200, "GET", `/orders/${placed.id}`);
    isKept(placed.shippingAddress, order.shippingAddress, 5, "order");
    await owner.http.expect(200, "POST", `/orders/${placed.id}/cancel`, { body: { reason: WRITTEN } });
    const paid = await paidOrder(owner, article.sku);
    const deliveryOf = () => staff.http.request<Json>("GET", `/orders/${paid.id}/delivery`);
    const { body: delivery } = await eventually("it is to be delivered", async () => {
      const reply = await deliveryOf();
      return reply.status === 200 && reply;
    });
    const shipped = await staff.http.expect<Json>(200, "PATCH", `/deliveries/${delivery.id}`, {
      body: { status: "shipped", tracking: WRITTEN },
    });
    isKept(shipped, (await deliveryOf()).body, 1, "delivery");
  });
});
