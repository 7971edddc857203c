/** A shop with this extension, over HTTP: earning points, paying with them, and a note that goes with the gift. */
import assert from "node:assert/strict";
import { newId } from "souk";
import type { OrderView } from "souk/contracts";
import {
  eventually,
  firstAdmin,
  home,
  orderBecomes,
  type Person,
  paidOrder,
  putInCart,
  putOnSale,
  type Shop,
  signUp,
  startShop,
} from "souk/testing";
import loyalty from "../souk.ts";

describe("a shop with loyalty", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  let ann: Person;
  let sku: string;

  before(async () => {
    shop = await startShop({ extensions: [loyalty] });
    admin = await firstAdmin(shop.http);
    ann = await signUp(shop.http);
    ({ sku } = await putOnSale(admin, { price: 1_000 }));
  });
  after(() => shop.stop());

  const have = async (points: number) => {
    const { body } = await ann.http.request<{ points: number }>("GET", "/loyalty/points");
    assert.equal(body.points, points);
    return true;
  };
  const give = (delta: number, key = newId()) =>
    admin.http.request<{ points: number; code?: string }>("POST", "/loyalty/adjustments", {
      body: { customerId: ann.id, delta, reason: "gift" },
      headers: { "idempotency-key": key },
    });
  const buy = async (ext?: object): Promise<OrderView> => {
    await putInCart(ann, sku);
    const { status, body } = await ann.http.request<OrderView>("POST", "/orders", {
      body: { shippingAddress: home, payment: { provider: "credit" }, ...(ext && { ext }) },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };

  it("gives points for an order that was paid with money", async () => {
    await paidOrder(ann, sku);
    await eventually("the points are there", () => have(10));
  });

  it("lets staff give points once for a key, and take no more than there are", async () => {
    for (let n = 0; n < 2; n++) assert.equal((await give(2_000, "same")).body.points, 2_010);
    const { status, body } = await give(-3_000);
    assert.deepEqual([status, body.code], [409, "TOO_FEW_POINTS"]);
    assert.equal((await ann.http.request("POST", "/loyalty/adjustments", { body: {} })).status, 403);
  });

  it("is paid with points, gives them back, and shows the note with the gift", async () => {
    const order = await buy({ loyalty: { giftNote: "Enjoy your tea" } });
    const paid = await orderBecomes(ann, order.id, "paid");
    assert.deepEqual(paid.ext, { loyalty: { giftNote: "Enjoy your tea" } });
    await eventually("a thousand is spent, ten are earned", () => have(1_020));
    const { body } = await eventually("there is an invoice", async () => {
      const reply = await ann.http.request<string>("GET", `/orders/${order.id}/invoice.pdf`);
      return reply.status === 200 && reply;
    });
    assert.ok(body.startsWith("%PDF"));
    await admin.http.expect(201, "POST", `/payments/${paid.payment?.id}/refunds`, {
      body: { reason: "asked" },
      headers: { "idempotency-key": newId() },
    });
    await orderBecomes(ann, order.id, "refunded");
    await eventually("they are back", () => have(2_010));
  });

  it("can't be paid with more points than there are", async () => {
    await give(-1_500);
    const order = await buy();
    await eventually("the attempt has failed", async () => {
      const { payment } = await ann.http.expect<OrderView>(200, "GET", `/orders/${order.id}`);
      return payment?.status === "failed";
    });
    await have(510);
  });

  it("refuses notes that are none", async () => {
    const { status } = await ann.http.request("POST", "/orders", {
      body: {
        shippingAddress: home,
        payment: { provider: "credit" },
        ext: { loyalty: { giftNote: "x".repeat(201) } },
      },
      headers: { "idempotency-key": newId() },
    });
    assert.equal(status, 422);
  });
});
