/** Returns over HTTP: from the customer's wish to the money and the credit note. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import type { ReturnStatus } from "../../../services/returns/returns.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { HttpClient } from "../../../souk/testing/http-client.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import {
  type Article,
  decide,
  deliveredOrder,
  deliveryOf,
  firstAdmin,
  home,
  type Person,
  paidOrder,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
  stockBecomes,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

const DAY_MS = 86_400_000;
const PRICE = 1_999;

interface Return {
  id: string;
  status: ReturnStatus;
  lines: { accepted: number | null; restocked: boolean; amount: { amount: number } }[];
  amount: { amount: number };
  refund: { status: string; amount: { amount: number }; reason: string | null } | null;
  refusal: string | null;
}

describe("returns", function () {
  this.timeout(60_000);
  const clock = movableClock();
  let shop: Shop;
  let admin: Person;
  let buyer: Person;
  let article: Article;

  before(async () => {
    shop = await startShop({ clock });
    admin = await firstAdmin(shop.http);
    buyer = await signUp(shop.http);
    article = await putOnSale(admin, { price: PRICE, onHand: 1_000 });
  });
  after(() => shop?.stop());

  const ask = (
    http: HttpClient,
    orderId: string,
    quantity: number,
    { key = newId(), sku = article.sku, headers = {} }: { key?: string; sku?: string; headers?: object } = {},
  ) =>
    http.request<Return & { code: string }>("POST", `/orders/${orderId}/returns`, {
      body: { lines: [{ sku, quantity }], reason: "too big" },
      headers: { "idempotency-key": key, ...headers },
    });
  const wish = async (orderId: string, quantity: number): Promise<Return> => {
    const { status, body } = await ask(buyer.http, orderId, quantity);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  const staff = (id: string, body: object) =>
    admin.http.request<Return & { code: string }>("PATCH", `/returns/${id}`, { body });
  const receive = async (id: string, accepted: number, more: object = {}) => {
    assert.equal((await staff(id, { status: "approved" })).status, 200);
    const lines = [{ sku: article.sku, accepted, restock: true }];
    return staff(id, { status: "received", lines, ...more });
  };
  const becomes = (id: string, status: ReturnStatus) =>
    eventually(`return ${id} is ${status}`, async () => {
      const now = await admin.http.expect<Return>(200, "GET", `/returns/${id}`);
      assert.equal(now.status, status);
      return now;
    });
  const creditedBecome = (orderId: string, amounts: number[]) =>
    eventually("its refunds are credited", async () => {
      const { items } = await buyer.http.expect<{ items: { gross: { amount: number } }[] }>(
        200,
        "GET",
        `/orders/${orderId}/credit-notes`,
      );
      assert.deepEqual(
        items.map((it) => it.gross.amount),
        amounts,
      );
      return true;
    });

  it("takes goods back in part, restocks them once, and gives back what was paid for them", async () => {
    const { id } = await deliveredOrder(buyer, admin, article.sku, 3);
    const key = newId();
    const asked = await ask(buyer.http, id, 2, { key });
    assert.deepEqual(
      [asked.status, asked.body.status, asked.body.amount.amount],
      [201, "requested", 2 * PRICE],
    );
    const again = await ask(buyer.http, id, 2, { key });
    assert.equal(again.body.id, asked.body.id, "the same request is the same return");
    const onHand = await eventually("the stock rests", async () => {
      const now = await shop.http.expect<{ onHand: number; held: number }>(
        200,
        "GET",
        `/inventory/${article.sku}`,
      );
      assert.equal(now.held, 0);
      return now.onHand;
    });

    const received = await receive(asked.body.id, 1, { reason: "one was used" });
    assert.equal(received.status, 200, JSON.stringify(received.body));
    const refunded = await becomes(asked.body.id, "refunded");
    assert.deepEqual(refunded.refund?.amount.amount, PRICE);
    assert.deepEqual(
      refunded.lines.map((it) => [it.accepted, it.restocked]),
      [[1, true]],
    );
    await stockBecomes(shop.http, article.sku, { onHand: onHand + 1, held: 0, available: onHand + 1 });
    await creditedBecome(id, [PRICE]);

    // The unit that was not accepted, and the third one, may come back later.
    assert.equal((await ask(buyer.http, id, 3)).body.code, "RETURN_EXCEEDS_ORDER");
    const rest = await wish(id, 2);
    await receive(rest.id, 2);
    await becomes(rest.id, "refunded");
    const order = await eventually("the order is refunded", async () => {
      const now = await buyer.http.expect<OrderView>(200, "GET", `/orders/${id}`);
      assert.equal(now.status, "refunded");
      return now;
    });
    assert.deepEqual(
      order.returns?.map((it) => it.status),
      ["refunded", "refunded"],
    );
    await creditedBecome(id, [PRICE, 2 * PRICE]);
  });

  it("never agrees to more than was bought, however many ask at once", async () => {
    const { id } = await deliveredOrder(buyer, admin, article.sku, 3);
    const replies = await Promise.all(Array.from({ length: 6 }, () => ask(buyer.http, id, 1)));
    assert.equal(replies.filter((it) => it.status === 201).length, 3);
    assert.deepEqual(
      [...new Set(replies.filter((it) => it.status !== 201).map((it) => it.body.code))],
      ["RETURN_EXCEEDS_ORDER"],
    );
  });

  it("gives back no more than is left, where staff have given back a part by hand", async () => {
    const { id, payment } = await deliveredOrder(buyer, admin, article.sku, 2);
    const { id: returnId } = await wish(id, 2);
    await admin.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
      body: { amount: { amount: 1_000, currency: "USD" }, reason: "sorry" },
      headers: { "idempotency-key": newId() },
    });
    await receive(returnId, 2);
    const { refund } = await becomes(returnId, "refunded");
    assert.equal(refund?.amount.amount, 2 * PRICE - 1_000);
  });

  it("gives back less where staff say why, never more", async () => {
    const { id } = await deliveredOrder(buyer, admin, article.sku);
    const { id: returnId } = await wish(id, 1);
    const refund = (amount: number) => ({ refund: { amount, currency: "USD" } });
    const codes = [
      await receive(returnId, 1, refund(PRICE + 1)),
      await receive(returnId, 1, refund(PRICE - 1)),
      await receive(returnId, 2),
    ].map((it) => it.body.code);
    assert.deepEqual(codes, ["RETURN_AMOUNT", "RETURN_AMOUNT", "RETURN_RECEIPT"]);
    assert.equal((await receive(returnId, 1, { ...refund(500), reason: "scratched" })).status, 200);
    const refunded = await becomes(returnId, "refunded");
    assert.deepEqual([refunded.refund?.amount.amount, refunded.refund?.reason], [500, "scratched"]);
    assert.equal((await staff(returnId, { status: "approved" })).body.code, "RETURN_TRANSITION");
  });

  it("lets go of the units of a return that comes to nothing", async () => {
    const { id } = await deliveredOrder(buyer, admin, article.sku);
    const cancelled = await wish(id, 1);
    await buyer.http.expect(200, "POST", `/returns/${cancelled.id}/cancel`, { body: {} });
    const later = async () =>
      eventually("the unit is free", async () => {
        const { status, body } = await ask(buyer.http, id, 1);
        assert.equal(status, 201);
        return body;
      });
    const refused = await later();
    assert.equal((await staff(refused.id, { status: "refused", reason: "used" })).body.refusal, "used");
    const empty = await later();
    assert.equal((await receive(empty.id, 0, { reason: "an empty box" })).body.status, "refused");
    const late = await later();
    assert.equal((await staff(late.id, { status: "approved" })).status, 200);
    clock.advance(31 * DAY_MS);
    buyer = await signIn(shop.http, buyer.email);
    admin = await signIn(shop.http, admin.email);
    await becomes(late.id, "expired");
    // Now its time is over for the customer, and not for staff.
    assert.equal((await ask(buyer.http, id, 1)).body.code, "ORDER_NOT_RETURNABLE");
    await eventually("staff may", async () => (await ask(admin.http, id, 1)).status === 201);
  });

  it("is only of orders that have arrived, and of what is in them", async () => {
    const paid = await paidOrder(buyer, article.sku);
    assert.equal((await ask(buyer.http, paid.id, 1)).body.code, "ORDER_NOT_RETURNABLE");
    const { id } = await deliveredOrder(buyer, admin, article.sku);
    assert.equal((await ask(buyer.http, id, 1, { sku: "OTHER" })).body.code, "RETURN_EXCEEDS_ORDER");
    const other = await signUp(shop.http, "Otto");
    assert.equal((await ask(other.http, id, 1)).status, 404);
  });

  it("lets a guest return goods with the order's token, and nobody else", async () => {
    const cart = await putInCart({ http: shop.http }, article.sku);
    const placed = await shop.http.request<OrderView>("POST", "/orders", {
      body: { email: "guest@example.com", shippingAddress: home, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId(), "x-cart-id": cart.id, prefer: "wait=5" },
    });
    const token = placed.headers.get("x-order-token") ?? "";
    const headers = { "x-order-token": token };
    const { id } = placed.body;
    await decide(shop.http, payPage(placed.body), { outcome: "succeed" });
    const delivery = await deliveryOf(admin, id);
    for (const status of ["shipped", "delivered"])
      await admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status } });
    const asked = await eventually("it has arrived", async () => {
      const reply = await ask(shop.http, id, 1, { headers });
      assert.equal(reply.status, 201);
      return reply.body;
    });
    const path = `/returns/${asked.id}`;
    await shop.http.expect(200, "GET", path, { headers });
    assert.equal((await shop.http.request("GET", path)).status, 401);
    const wrong = { "x-order-token": token.replace(/^./, (it) => (it === "a" ? "b" : "a")) };
    assert.equal((await shop.http.request("GET", path, { headers: wrong })).status, 404);
    assert.equal((await buyer.http.request("GET", path)).status, 404);
    await shop.http.expect(200, "POST", `${path}/cancel`, { headers, body: {} });
  });

  it("is listed for staff by status", async () => {
    const page = await admin.http.expect<{ items: Return[] }>(
      200,
      "GET",
      "/returns?status=refunded,expired&limit=2",
    );
    assert.equal(page.items.length, 2);
    assert.ok(page.items.every((it) => it.status === "refunded" || it.status === "expired"));
    assert.equal((await buyer.http.request("GET", "/returns")).status, 403);
  });
});
