import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Returned } from "../../broker/contract/contract.ts";
import { newId } from "../../broker/contract/ids.ts";
import type { Problem } from "../../broker/http/problem.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import type { Reply } from "../../souk/testing/http-client.ts";
import {
  decide,
  firstAdmin,
  order,
  orderBecomes,
  orderCart,
  PASSWORD,
  type Person,
  paidOrder,
  payPage,
  putInCart,
  putOnSale,
  signUp,
  stockBecomes,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

type PaymentView = Returned<"payments.listByOrder">["items"][number];
type CartView = Returned<"cart.get">;

describe("races in a running shop", () => {
  let shop: Shop;
  let admin: Person;

  before(async function () {
    this.timeout(30_000);
    shop = await startShop();
    admin = await firstAdmin(shop.http);
  });
  after(() => shop?.stop());

  const many = async <T>(n: number, make: (at: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: n }, (_, at) => make(at)));

  const count = <T>(all: readonly T[]): Map<T, number> => {
    const counts = new Map<T, number>();
    for (const it of all) counts.set(it, (counts.get(it) ?? 0) + 1);
    return counts;
  };

  const paymentsOf = async ({ http }: Person, orderId: string): Promise<PaymentView[]> =>
    (await http.expect<{ items: PaymentView[] }>(200, "GET", `/orders/${orderId}/payments`)).items;

  const noServerErrors = (replies: readonly Reply[]) =>
    assert.deepEqual(
      replies.filter((it) => it.status >= 500).map((it) => it.body),
      [],
    );

  it("makes one order of 50 equal requests at once", async () => {
    const { sku } = await putOnSale(admin, { onHand: 10 });
    const customer = await signUp(shop.http);
    await putInCart(customer, sku, 2);
    const key = newId();
    const replies = await many(50, () => orderCart<{ id: string; code: string }>(customer, key));
    noServerErrors(replies);
    assert.deepEqual(
      replies.filter((it) => it.status !== 201 && it.status !== 409),
      [],
    );
    const made = replies.filter((it) => it.status === 201);
    assert.equal(count(made.map((it) => it.body.id)).size, 1);
    for (const { status, body, headers } of replies)
      if (status === 409) {
        assert.equal(body.code, "IDEMPOTENCY_IN_PROGRESS");
        assert.ok(headers.has("retry-after"));
      }
    const again = await orderCart(customer, key);
    assert.equal(again.status, 201);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    assert.deepEqual(again.body, made[0]?.body);
    const { items } = await customer.http.expect<{ items: unknown[] }>(200, "GET", "/orders");
    assert.equal(items.length, 1);
    await stockBecomes(shop.http, sku, { onHand: 10, held: 2, available: 8 });
  });

  it("sells the last 10 units to 10 of 60 buyers, and tells the other 50", async function () {
    this.timeout(20_000);
    const { sku } = await putOnSale(admin, { onHand: 10 });
    const buyers: Person[] = [];
    for (let from = 0; from < 60; from += 10) buyers.push(...(await many(10, () => signUp(shop.http))));
    await Promise.all(buyers.map((buyer) => putInCart(buyer, sku)));
    const replies = await Promise.all(buyers.map((buyer) => orderCart(buyer)));
    noServerErrors(replies);
    assert.deepEqual(
      Object.fromEntries(count(replies.map(({ status, body }) => `${status} ${body.status}`))),
      { "201 awaiting_payment": 10, "201 rejected": 50 },
    );
    for (const { body } of replies)
      if (body.status === "rejected") {
        assert.deepEqual(body.outOfStock, [{ sku, requested: 1, available: 0 }]);
        assert.equal(body.payment?.nextAction ?? null, null);
      }
    await stockBecomes(shop.http, sku, { onHand: 10, held: 10, available: 0 });
  });

  it("gives two lines of one order all or nothing, whoever else wants them", async () => {
    const [a, b] = [await putOnSale(admin, { onHand: 5 }), await putOnSale(admin, { onHand: 5 })];
    const buyers = await many(12, () => signUp(shop.http));
    await Promise.all(
      buyers.map(async (buyer, at) => {
        // Each in another order, to provoke deadlocks.
        for (const { sku } of at % 2 ? [a, b] : [b, a]) await putInCart(buyer, sku);
      }),
    );
    const replies = await Promise.all(buyers.map((buyer) => orderCart(buyer)));
    noServerErrors(replies);
    const waiting = replies.filter(({ body }) => body.status === "awaiting_payment").length;
    assert.ok(waiting <= 5, `${waiting} got both`);
    for (const { sku } of [a, b])
      await stockBecomes(shop.http, sku, { onHand: 5, held: waiting, available: 5 - waiting });
  });

  it("brings a cancel that races the payment to one end: paid, or cancelled with nothing taken or all given back", async function () {
    this.timeout(30_000);
    const { sku } = await putOnSale(admin, { onHand: 100, price: 700 });
    const customer = await signUp(shop.http);
    const ends: string[] = [];
    for (let round = 0; round < 10; round++) {
      const placed = await order(customer, sku);
      // The sandbox's webhook takes a moment: in some rounds the cancel comes before it, in others after.
      const cancel = async () => {
        await sleep(Math.max(0, round - 3));
        return customer.http.request<OrderView>("POST", `/orders/${placed.id}/cancel`, { body: {} });
      };
      const pay = async () => {
        await sleep(Math.max(0, 3 - round) * 10);
        return decide(shop.http, payPage(placed), { outcome: "succeed" });
      };
      const [cancelled, paid] = await Promise.all([cancel(), pay()]);
      assert.ok([200, 409].includes(cancelled.status), JSON.stringify(cancelled.body));
      assert.ok([202, 409].includes(paid.status), JSON.stringify(paid.body));
      const { status } = await orderBecomes(
        customer,
        placed.id,
        cancelled.status === 200 ? "cancelled" : "paid",
      );
      ends.push(status);
      await eventually(`the money of the ${status} order is where it belongs`, async () => {
        const [payment] = await paymentsOf(customer, placed.id);
        const kept = (payment?.captured.amount ?? 0) - (payment?.refunded.amount ?? 0);
        const open = payment?.refunds.some((it) => it.status === "pending");
        // A payment that was made is reported, sooner or later.
        const reported = paid.status === 409 || (payment?.captured.amount ?? 0) > 0;
        return !open && reported && kept === (status === "paid" ? 700 : 0);
      });
    }
    const sold = ends.filter((it) => it === "paid").length;
    await stockBecomes(shop.http, sku, { onHand: 100 - sold, held: 0, available: 100 - sold });
  });

  it("takes the money once, however often the pay page is posted", async () => {
    const { sku } = await putOnSale(admin, { onHand: 5, price: 900 });
    const customer = await signUp(shop.http);
    const placed = await order(customer, sku);
    const replies = await many(8, () => decide(shop.http, payPage(placed), { outcome: "succeed", times: 3 }));
    assert.deepEqual(Object.fromEntries(count(replies.map((it) => it.status))), { 202: 1, 409: 7 });
    const { history } = await orderBecomes(customer, placed.id, "paid");
    assert.deepEqual(
      history.map((it) => it.status),
      ["placed", "awaiting_payment", "paid"],
    );
    const payments = await paymentsOf(customer, placed.id);
    assert.deepEqual(
      payments.map((it) => [it.status, it.captured.amount, it.refunded.amount]),
      [["captured", 900, 0]],
    );
    await stockBecomes(shop.http, sku, { onHand: 4, held: 0, available: 4 });
  });

  it("gives one refund for 10 equal requests, and never more than was paid", async () => {
    const { sku } = await putOnSale(admin, { onHand: 5, price: 1_000 });
    const customer = await signUp(shop.http);
    const paid = await paidOrder(customer, sku);
    const path = `/payments/${paid.payment?.id}/refunds`;
    const key = { "idempotency-key": newId() };
    const body = { amount: 400, reason: "a scratch" };
    const replies = await many(10, () => admin.http.request("POST", path, { body, headers: key }));
    noServerErrors(replies);
    assert.ok(replies.every((it) => [201, 409].includes(it.status)));
    // Different requests for more than is left: only one can succeed.
    const greedy = await many(4, () =>
      admin.http.request("POST", path, {
        body: { amount: 500, reason: "another" },
        headers: { "idempotency-key": newId() },
      }),
    );
    noServerErrors(greedy);
    await eventually("both refunds are made", async () => {
      const [payment] = await paymentsOf(customer, paid.id);
      return payment?.refunds.every((it) => it.status !== "pending") && payment.refunded.amount === 900;
    });
    assert.equal(greedy.filter((it) => it.status === 201).length, 1);
    await admin.http.expect(201, "POST", path, {
      body: { reason: "the rest" },
      headers: { "idempotency-key": newId() },
    });
    await orderBecomes(customer, paid.id, "refunded");
    await admin.http.expect(409, "POST", path, {
      body: { reason: "more" },
      headers: { "idempotency-key": newId() },
    });
    // It had not been shipped, so the goods are back.
    await stockBecomes(shop.http, sku, { onHand: 5, held: 0, available: 5 });
  });

  it("charges nobody who pays in two ways at once twice", async () => {
    const { sku } = await putOnSale(admin, { onHand: 5, price: 300 });
    const customer = await signUp(shop.http);
    const placed = await order(customer, sku);
    const first = payPage(placed);
    const [second] = await Promise.all([
      customer.http.request<OrderView>("POST", `/orders/${placed.id}/payments`, {
        body: { provider: "sandbox" },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      }),
      decide(shop.http, first, { outcome: "succeed" }),
    ]);
    if (second.status === 201 && second.body.payment?.nextAction)
      await decide(shop.http, payPage(second.body), { outcome: "succeed" });
    await orderBecomes(customer, placed.id, "paid");
    await eventually("what was taken twice is given back", async () => {
      const payments = await paymentsOf(customer, placed.id);
      const kept = payments.reduce((sum, it) => sum + it.captured.amount - it.refunded.amount, 0);
      return kept === 300 && payments.every((it) => it.refunds.every(({ status }) => status !== "pending"));
    });
    await stockBecomes(shop.http, sku, { onHand: 4, held: 0, available: 4 });
  });

  it("moves a guest's cart into the user's at login, once", async () => {
    const [a, b] = [await putOnSale(admin), await putOnSale(admin)];
    const customer = await signUp(shop.http);
    await putInCart(customer, a.sku, 1);
    const { id: cartId } = await putInCart({ http: shop.http }, a.sku, 2);
    const guest = shop.http.with({ "x-cart-id": cartId });
    await putInCart({ http: guest }, b.sku, 3);
    const body = { email: customer.email, password: PASSWORD };
    const logins = await many(5, () => guest.request("POST", "/auth/login", { body }));
    assert.deepEqual(
      logins.map((it) => it.status),
      [200, 200, 200, 200, 200],
    );
    const mine = await customer.http.expect<CartView>(200, "GET", "/cart");
    assert.deepEqual(
      mine.lines.map((it) => [it.sku, it.quantity]).sort(),
      [
        [a.sku, 3],
        [b.sku, 3],
      ].sort(),
    );
    assert.deepEqual((await guest.expect<CartView>(200, "GET", "/cart")).lines, []);
  });

  it("shows a price that has changed since, and orders at the new one", async () => {
    const { sku, productId } = await putOnSale(admin, { price: 1_000 });
    const customer = await signUp(shop.http);
    await putInCart(customer, sku, 2);
    await admin.http.expect(200, "PATCH", `/products/${productId}`, {
      body: { variants: [{ sku, price: { amount: 1_250, currency: "USD" } }] },
    });
    const cart = await customer.http.expect<CartView>(200, "GET", "/cart");
    assert.equal(cart.total.amount, 2_500);
    assert.deepEqual(
      cart.notices.map((it) => [it.sku, it.code]),
      [[sku, "price_changed"]],
    );
    const { body } = await orderCart(customer);
    assert.equal(body.total.amount, 2_500);
    // An order's price stays, whatever happens to the product.
    await admin.http.expect(204, "DELETE", `/products/${productId}`);
    await decide(shop.http, payPage(body), { outcome: "succeed" });
    assert.equal((await orderBecomes(customer, body.id, "paid")).total.amount, 2_500);
  });

  it("does not sell what was taken off sale after it was put into the cart", async () => {
    const { sku, productId } = await putOnSale(admin);
    const customer = await signUp(shop.http);
    await putInCart(customer, sku);
    await admin.http.expect(204, "DELETE", `/products/${productId}`);
    const { status, body } = await orderCart<Problem>(customer);
    assert.deepEqual([status, body.code], [422, "SKU_UNKNOWN"]);
  });

  it("lets two tabs change one cart without losing a line", async () => {
    const articles = await many(12, () => putOnSale(admin));
    const customer = await signUp(shop.http);
    await Promise.all(articles.map(({ sku }, at) => putInCart(customer, sku, at + 1)));
    const full = await customer.http.expect<CartView>(200, "GET", "/cart");
    assert.deepEqual(
      full.lines.map((it) => [it.sku, it.quantity]).sort(),
      articles.map(({ sku }, at) => [sku, at + 1]).sort(),
    );
    // Both tabs remove the same lines. Each line is removed once, and the other tab is told that it is gone.
    const both = [...articles.slice(0, 6), ...articles.slice(0, 6)];
    const removals = await Promise.all(
      both.map(({ sku }) => customer.http.request("DELETE", `/cart/items/${sku}`)),
    );
    assert.deepEqual(Object.fromEntries(count(removals.map((it) => it.status))), { 200: 6, 404: 6 });
    const left = await customer.http.expect<CartView>(200, "GET", "/cart");
    assert.equal(left.lines.length, 6);
  });

  it("keeps what is put into the cart while its order is being paid", async () => {
    const [a, b] = [await putOnSale(admin), await putOnSale(admin)];
    const customer = await signUp(shop.http);
    const placed = await order(customer, a.sku, 2);
    await putInCart(customer, b.sku, 1);
    await putInCart(customer, a.sku, 5);
    await decide(shop.http, payPage(placed), { outcome: "succeed" });
    await orderBecomes(customer, placed.id, "paid");
    await eventually("the bought units have left the cart", async () => {
      const { lines } = await customer.http.expect<CartView>(200, "GET", "/cart");
      const quantities = Object.fromEntries(lines.map((it) => [it.sku, it.quantity]));
      return quantities[a.sku] === 3 && quantities[b.sku] === 1;
    });
  });

  it("lets one of two rotations of a refresh token win, and gives both the same successor", async () => {
    const { refreshToken } = await signUp(shop.http);
    const replies = await many(5, () =>
      shop.http.request<{ refreshToken: string }>("POST", "/auth/refresh", { body: { refreshToken } }),
    );
    assert.deepEqual(count(replies.map((it) => it.status)), new Map([[200, 5]]));
    assert.equal(new Set(replies.map((it) => it.body.refreshToken)).size, 1);
  });

  it("opens one account for one address, however many ask at once", async () => {
    const body = { email: `${newId()}@example.com`, password: PASSWORD, name: "Ann" };
    const replies = await many(6, () => shop.http.request("POST", "/auth/register", { body }));
    assert.deepEqual(Object.fromEntries(count(replies.map((it) => it.status))), { 201: 1, 409: 5 });
  });

  it("takes stock away once where two of the staff do, and never below what is held", async () => {
    const { sku } = await putOnSale(admin, { onHand: 10 });
    const customer = await signUp(shop.http);
    await order(customer, sku, 4);
    const replies = await many(6, () =>
      admin.http.request("POST", `/inventory/${sku}/adjustments`, { body: { delta: -2, reason: "broken" } }),
    );
    noServerErrors(replies);
    assert.deepEqual(Object.fromEntries(count(replies.map((it) => it.status))), { 200: 3, 409: 3 });
    await stockBecomes(shop.http, sku, { onHand: 4, held: 4, available: 0 });
  });

  it("lets one of several changes to a product win that were made to the same version", async () => {
    const { productId } = await putOnSale(admin);
    const { headers } = await shop.http.request("GET", `/products/${productId}`);
    const tag = headers.get("etag") ?? assert.fail("no entity tag");
    const replies = await many(5, (at) =>
      admin.http.request("PATCH", `/products/${productId}`, {
        body: { name: `Name ${at}` },
        headers: { "if-match": tag },
      }),
    );
    assert.deepEqual(Object.fromEntries(count(replies.map((it) => it.status))), { 200: 1, 412: 4 });
  });
});

describe("orders that nobody pays in time", () => {
  let shop: Shop;
  let admin: Person;

  before(async function () {
    this.timeout(30_000);
    shop = await startShop({ env: { ORDER_TTL: "3s" } });
    admin = await firstAdmin(shop.http);
  });
  after(() => shop?.stop());

  it("expire, free their stock, and give back what is paid too late", async function () {
    this.timeout(20_000);
    const { sku } = await putOnSale(admin, { onHand: 3, price: 500 });
    const [idle, late] = [await signUp(shop.http), await signUp(shop.http)];
    const unpaid = await order(idle, sku);
    const paidLate = await order(late, sku);
    await stockBecomes(shop.http, sku, { onHand: 3, held: 2, available: 1 });
    // The customer pays in time, but the provider reports it only after the order has ended.
    const { status } = await decide(shop.http, payPage(paidLate), { outcome: "succeed", delayMs: 4_500 });
    assert.equal(status, 202);

    await orderBecomes(idle, unpaid.id, "expired");
    await orderBecomes(late, paidLate.id, "expired");
    await stockBecomes(shop.http, sku, { onHand: 3, held: 0, available: 3 });
    const gone = await decide(shop.http, payPage(unpaid), { outcome: "succeed" });
    assert.deepEqual([gone.status, gone.body.code], [409, "CONFLICT"]);
    const again = await idle.http.request<{ code: string }>("POST", `/orders/${unpaid.id}/payments`, {
      body: { provider: "sandbox" },
      headers: { "idempotency-key": newId() },
    });
    assert.deepEqual([again.status, again.body.code], [409, "ORDER_NOT_PAYABLE"]);

    const refunded = await eventually("the late money is back", async () => {
      const { items } = await late.http.expect<{ items: PaymentView[] }>(
        200,
        "GET",
        `/orders/${paidLate.id}/payments`,
      );
      return items[0]?.refunds[0]?.status === "succeeded" && items[0];
    });
    assert.deepEqual([refunded.captured.amount, refunded.refunded.amount], [500, 500]);
    assert.equal((await orderBecomes(late, paidLate.id, "expired")).status, "expired");
    await stockBecomes(shop.http, sku, { onHand: 3, held: 0, available: 3 });
  });

  it("can be ordered again by somebody else", async () => {
    const { sku } = await putOnSale(admin, { onHand: 1 });
    const [first, second] = [await signUp(shop.http), await signUp(shop.http)];
    const { id } = await order(first, sku);
    await putInCart(second, sku);
    assert.equal((await orderCart(second)).body.status, "rejected");
    await orderBecomes(first, id, "expired");
    await stockBecomes(shop.http, sku, { onHand: 1, held: 0, available: 1 });
    await paidOrder(second, sku);
  });
});
