/** Reports of a whole shop equal the ledger of payments, after orders of every kind. */
import assert from "node:assert/strict";
import type { Document } from "mongodb";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import {
  type Article,
  decide,
  deliveryOf,
  firstAdmin,
  order,
  orderBecomes,
  orderCart,
  type Person,
  paidOrder,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { checkReports } from "../../chaos/checks/check-reports.ts";
import { reportsEvidence } from "../../chaos/observers/reports-evidence.ts";

const TTL_MS = 30 * 60_000;

interface Sales {
  items: {
    day: string;
    captured: number;
    refunded: number;
    orders: number;
    gross: number;
    refunds: number;
  }[];
}

describe("reports of a shop", function () {
  this.timeout(40_000);
  const clock = movableClock();
  let shop: Shop;
  let admin: Person;
  let buyer: Person;
  let lamp: Article;
  let tea: Article;

  before(async () => {
    shop = await startShop({ clock, env: { MAX_OPEN_ORDERS: "20", TAX_RATE: "1600" } });
    admin = await firstAdmin(shop.http);
    buyer = await signUp(shop.http);
    lamp = await putOnSale(admin, { price: 4_999 });
    tea = await putOnSale(admin, { price: 350 });
  });
  after(() => shop?.stop());

  const refund = ({ payment }: OrderView, amount?: number) =>
    admin.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
      body: { reason: "asked", ...(amount ? { amount: { amount, currency: "USD" } } : {}) },
      headers: { "idempotency-key": newId() },
    });
  const evidence = () =>
    reportsEvidence(<T extends Document>(service: string, collection: string) =>
      shop.node.runtime.database(service).collection(collection).find<T>({}).toArray(),
    );

  it("equal the ledger after paid, cancelled, expired, refunded and undelivered orders", async () => {
    await buyer.http.expect(204, "DELETE", "/cart");
    await putInCart(buyer, lamp.sku, 2);
    await putInCart(buyer, tea.sku, 3);
    const { body: both } = await orderCart(buyer);
    await decide(buyer.http, payPage(both), { outcome: "succeed" });
    await orderBecomes(buyer, both.id, "paid");
    await refund(await paidOrder(buyer, tea.sku, 2), 123);
    const whole = await paidOrder(buyer, lamp.sku);
    await refund(whole);
    await orderBecomes(buyer, whole.id, "refunded");

    const cancelled = await order(buyer, tea.sku);
    const page = payPage(cancelled);
    await buyer.http.expect(200, "POST", `/orders/${cancelled.id}/cancel`, { body: {} });
    // The capture comes too late, and is given back.
    await decide(buyer.http, page, { outcome: "succeed" });

    const lost = await paidOrder(buyer, tea.sku);
    const delivery = await deliveryOf(buyer, lost.id);
    await admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status: "failed" } });
    await orderBecomes(buyer, lost.id, "refunded");

    const late = await order(buyer, lamp.sku);
    clock.advance(TTL_MS + 60_000);
    // Access tokens are over too.
    [buyer, admin] = [await signIn(shop.http, buyer.email), await signIn(shop.http, admin.email)];
    await orderBecomes(buyer, late.id, "expired");

    await eventually("the reports have heard of all", async () => {
      const { transactions } = await evidence();
      // Five captures at least, and refunds of a part, of two wholes, and of what came too late.
      assert.ok(transactions.filter((it) => it.kind === "capture").length >= 4);
      assert.ok(transactions.filter((it) => it.kind === "refund").length >= 3);
      const { items } = await admin.http.expect<Sales>(
        200,
        "GET",
        "/stats/sales?from=2020-01-01&to=2020-01-02",
      );
      assert.deepEqual(items, []);
      assert.deepEqual(
        checkReports(await evidence()).flatMap((it) => it.failures),
        [],
      );
      return true;
    });
    const period = `from=${both.createdAt.slice(0, 10)}&to=${new Date(clock.now()).toISOString().slice(0, 10)}`;
    const { items } = await admin.http.expect<Sales>(200, "GET", `/stats/sales?${period}`);
    const sum = (field: "orders" | "gross" | "refunds") => items.reduce((all, it) => all + it[field], 0);
    assert.deepEqual(
      [sum("orders"), sum("gross"), sum("refunds")],
      [4, 2 * 4_999 + 3 * 350 + 700 + 4_999 + 350, 123 + 4_999 + 350],
    );
  });

  it("finds a ledger and reports that differ", async () => {
    const sound = await evidence();
    const [first, ...others] = sound.transactions;
    assert.ok(first);
    const found = checkReports({ ...sound, transactions: others }).flatMap((it) => it.failures);
    assert.match(found.join("\n"), /in the ledger, \d+ in the reports/);
    const counters = sound.counters.map((it) => ({ ...it, gross: (it.gross ?? 0) + 1 }));
    assert.match(
      checkReports({ ...sound, counters })
        .flatMap((it) => it.failures)
        .join("\n"),
      /gross: the records add up to/,
    );
  });

  it("show what is bought together, published only, then others of the category", async () => {
    const related = ({ productId }: Article, limit = 8) =>
      shop.http.expect<{ items: { id: string }[] }>(
        200,
        "GET",
        `/products/${productId}/related?limit=${limit}`,
      );
    assert.deepEqual(
      (await related(lamp)).items.map((it) => it.id),
      [tea.productId],
    );
    const path = `/products/${tea.productId}`;
    await admin.http.expect(200, "PATCH", path, { body: { published: false } });
    const other = await admin.http.expect<{ id: string }>(201, "POST", "/products", {
      body: {
        name: "Shade",
        categoryIds: [lamp.categoryId],
        variants: [{ sku: `S-${newId()}`, price: { amount: 1, currency: "USD" }, options: {} }],
      },
    });
    // Another limit is another question, which no cache has the answer to.
    assert.deepEqual(
      (await related(lamp, 7)).items.map((it) => it.id),
      [other.id],
    );
    await shop.http.expect(404, "GET", `${path}/related`);
    await shop.http.expect(404, "GET", `/products/${newId()}/related`);
  });

  it("refuse a period that is none, or too long", async () => {
    for (const query of [
      "from=2026-02-30&to=2026-03-01",
      "from=2026-02-02&to=2026-02-01",
      "from=2020-01-01&to=2026-01-01",
    ])
      await admin.http.expect(422, "GET", `/stats/sales?${query}`);
  });
});
