import assert from "node:assert/strict";
import type { Message } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { type OrderView, orderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  ADDRESS,
  failure,
  newCustomer,
  type OrderingFixture,
  openOrderingFixture,
  staff,
  usd,
} from "../../support/shop/ordering-fixture.ts";

const TTL_MS = 30 * 60_000;

describe("the orders service", () => {
  let shop: OrderingFixture;
  before(async () => {
    shop = await openOrderingFixture({ MAX_OPEN_ORDERS: "5" });
  });
  after(() => shop.close());

  const get = (id: string) => shop.node.call("orders.get", { id }, staff);
  const statuses = (order: OrderView) => order.history.map((it) => it.status);
  const stockIs = (sku: string, onHand: number, held: number) =>
    eventually(`${sku} has ${onHand}, ${held} of them held`, async () => {
      const stock = await shop.stockOf(sku);
      return stock.onHand === onHand && stock.held === held;
    });

  it("prices the cart itself and answers with what the customer has to do next", async () => {
    const [tea, cup] = [await shop.offer(usd(350), 10), await shop.offer(usd(1_200), 10)];
    const customer = newCustomer();
    const order = await shop.place(customer, { [tea]: 3, [cup]: 1 });
    assert.equal(order.status, "awaiting_payment");
    assert.deepEqual(order.total, usd(2_250));
    assert.deepEqual(order.customer, { id: customer.id, email: "ann@example.com", name: "Ann" });
    assert.deepEqual(order.lines[0], {
      sku: tea,
      productId: shop.productOf(tea),
      slug: tea.toLowerCase(),
      options: { Size: "L", Colour: "red" },
      image: null,
      name: `Name of ${tea}`,
      quantity: 3,
      unitPrice: usd(350),
      total: usd(1_050),
    });
    assert.equal(order.payment?.status, "pending");
    assert.equal(order.payment?.nextAction?.type, "redirect");
    assert.deepEqual(statuses(order), ["placed", "awaiting_payment"]);
    assert.match(order.number, /^\d{6}-[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    await stockIs(tea, 10, 3);
  });

  it("tells with an order that is paid which products they are, and shows orders from before that was kept", async () => {
    const tea = await shop.offer(usd(350), 2);
    const placed = await shop.place(newCustomer(), { [tea]: 1 });
    await shop.pay(placed);
    await shop.reaches(placed.id, "paid");
    const [paid] = shop.published.filter((it) => it.type === "order.paid" && it.subject === placed.id);
    assert.deepEqual((paid as Message<"order.paid">).data.lines, placed.lines);

    const orders = shop.node.runtime.database("orders").collection<{ _id: string }>("orders");
    const cup = await shop.offer(usd(350), 2);
    const old = await shop.place(newCustomer(), { [cup]: 1 });
    const gone = ["customer", ...["productId", "slug", "options", "image"].map((it) => `lines.0.${it}`)];
    await orders.updateOne(
      { _id: old.id },
      { $unset: Object.fromEntries(gone.map((it) => [`state.${it}`, ""])), $inc: { version: 1 } },
    );
    await shop.node.call("orders.cancel", { id: old.id }, staff);
    const shown = await get(old.id);
    assert.equal(shown.status, "cancelled");
    assert.deepEqual(shown.customer, { id: old.customer.id, email: null, name: null });
    assert.deepEqual(shown.lines, [
      { ...old.lines[0], productId: null, slug: null, options: {}, image: null },
    ]);
    orderView.parse(shown);
  });

  it("answers at once where the client does not want to wait", async () => {
    const tea = await shop.offer(usd(350), 1);
    const order = await shop.place(newCustomer(), { [tea]: 1 }, { preferWait: 0 });
    assert.equal(order.status, "placed");
    await shop.reaches(order.id, "awaiting_payment");
  });

  it("lets a client wait until an order is paid, and no longer than it wants to", async () => {
    const tea = await shop.offer(usd(350), 2);
    const customer = newCustomer();
    const waiting = (id: string, preferWait: number) =>
      shop.node.call("orders.get", { id }, { ...customer.meta, preferWait });
    const placed = await shop.place(customer, { [tea]: 1 }, { preferWait: 0 });
    const open = await waiting(placed.id, 10);
    assert.equal(open.payment?.status, "pending", "the customer's next step is there");
    assert.equal((await waiting(placed.id, 1)).status, "awaiting_payment", "nobody has paid within a second");
    const paid = waiting(placed.id, 10);
    await shop.pay(open);
    assert.equal((await paid).status, "paid");
    const asked = performance.now();
    assert.equal((await waiting(placed.id, 10)).status, "paid");
    assert.ok(performance.now() - asked < 5_000, "a paid order has nothing to wait for");
  });

  it("takes an address by its id, and only the caller's", async () => {
    const [tea, ada, bob] = [await shop.offer(usd(350), 5), newCustomer(), newCustomer()];
    const addressId = shop.saveAddress(ada);
    shop.fillCart(ada, { [tea]: 1 });
    shop.fillCart(bob, { [tea]: 1 });
    const params = { addressId, payment: { provider: "sandbox" } };
    const order = await shop.node.call("orders.place", params, { ...ada.meta, idempotencyKey: newId() });
    assert.deepEqual(order.shippingAddress, ADDRESS);
    assert.equal(
      await failure(shop.node.call("orders.place", params, { ...bob.meta, idempotencyKey: newId() })),
      "NOT_FOUND",
    );
  });

  it("goes from the cart to the door: paid, shipped, delivered, and stock is down by what was bought", async () => {
    const tea = await shop.offer(usd(350), 10);
    const customer = newCustomer();
    const placed = await shop.place(customer, { [tea]: 4 });
    await shop.pay(placed);
    await shop.reaches(placed.id, "paid");
    await stockIs(tea, 6, 0);
    const { id } = await eventually("there is a delivery", () =>
      shop.node.call("delivery.getByOrder", { id: placed.id }, customer.meta),
    );
    await shop.node.call("delivery.update", { id, status: "shipped", tracking: "T-1" }, staff);
    await shop.reaches(placed.id, "shipped");
    await shop.node.call("delivery.update", { id, status: "delivered" }, staff);
    const order = await shop.reaches(placed.id, "delivered");
    assert.deepEqual(statuses(order), ["placed", "awaiting_payment", "paid", "shipped", "delivered"]);
    assert.deepEqual(order.delivery, { id, status: "delivered", tracking: "T-1" });
    assert.equal(order.expiresAt, null);
  });

  it("gives money and goods back when the delivery fails", async () => {
    const tea = await shop.offer(usd(350), 3);
    const placed = await shop.place(newCustomer(), { [tea]: 2 });
    await shop.pay(placed);
    await shop.reaches(placed.id, "paid");
    const { id } = await eventually("there is a delivery", () =>
      shop.node.call("delivery.getByOrder", { id: placed.id }, staff),
    );
    await shop.node.call("delivery.update", { id, status: "failed", reason: "lost" }, staff);
    const order = await shop.reaches(placed.id, "refunded");
    assert.equal(order.payment?.status, "refunded");
    await stockIs(tea, 3, 0);
  });

  it("does not ship what staff have refunded before it left", async () => {
    const tea = await shop.offer(usd(350), 3);
    const placed = await shop.place(newCustomer(), { [tea]: 2 });
    await shop.pay(placed);
    const { payment } = await shop.reaches(placed.id, "paid");
    await shop.node.call(
      "payments.refund",
      { id: payment?.id ?? "", reason: "changed their mind" },
      { ...staff, idempotencyKey: newId() },
    );
    await shop.reaches(placed.id, "refunded");
    await stockIs(tea, 3, 0);
    const delivery = await shop.node.call("delivery.getByOrder", { id: placed.id }, staff);
    assert.equal(delivery.status, "cancelled");
    assert.equal(
      await failure(shop.node.call("delivery.update", { id: delivery.id, status: "shipped" }, staff)),
      "DELIVERY_TRANSITION",
    );
  });

  it("rejects what can't be had, says which lines, and gives the others back", async () => {
    const [tea, cup] = [await shop.offer(usd(350), 10), await shop.offer(usd(1_200), 1)];
    const order = await shop.place(newCustomer(), { [tea]: 3, [cup]: 2 });
    assert.equal(order.status, "rejected");
    assert.deepEqual(order.outOfStock, [{ sku: cup, requested: 2, available: 1 }]);
    await stockIs(tea, 10, 0);
    await stockIs(cup, 1, 0);
  });

  it("rejects a SKU that nobody keeps stock of", async () => {
    const tea = await shop.offer(usd(350));
    const order = await shop.place(newCustomer(), { [tea]: 1 });
    assert.deepEqual(order.outOfStock, [{ sku: tea, requested: 1, available: 0 }]);
  });

  it("sells the last unit once, however many race for it", async () => {
    const tea = await shop.offer(usd(350), 1);
    const orders = await Promise.all(
      Array.from({ length: 30 }, () => shop.place(newCustomer(), { [tea]: 1 })),
    );
    const won = orders.filter((it) => it.status === "awaiting_payment");
    assert.equal(won.length, 1);
    assert.equal(orders.filter((it) => it.status === "rejected" && it.outOfStock).length, 29);
    for (const order of won) await shop.pay(order);
    await stockIs(tea, 0, 0);
  });

  it("expires an unpaid order, frees its stock and calls its payment off", async () => {
    const tea = await shop.offer(usd(350), 2);
    const placed = await shop.place(newCustomer(), { [tea]: 2 });
    await stockIs(tea, 2, 2);
    shop.advance(TTL_MS + 1_000);
    const order = await shop.reaches(placed.id, "expired");
    // It has also expired at its provider, which may report that first.
    assert.ok(["cancelled", "expired"].includes(order.payment?.status ?? ""), order.payment?.status);
    await stockIs(tea, 2, 0);
    assert.equal(await failure(shop.pay(placed)), "CONFLICT");
  });

  it("gives back money that was paid just before the order was cancelled", async () => {
    const tea = await shop.offer(usd(350), 2);
    const customer = newCustomer();
    const placed = await shop.place(customer, { [tea]: 2 });
    const report = shop.holdReports();
    await shop.pay(placed);
    await shop.node.call("orders.cancel", { id: placed.id }, customer.meta);
    await report();
    const order = await eventually("the money is back", async () => {
      const it = await get(placed.id);
      return it.payment?.status === "refunded" && it;
    });
    assert.equal(order.status, "cancelled");
    await stockIs(tea, 2, 0);
  });

  it("cancels until it is paid, and not after", async () => {
    const tea = await shop.offer(usd(350), 5);
    const customer = newCustomer();
    const first = await shop.place(customer, { [tea]: 2 });
    const cancelled = await shop.node.call("orders.cancel", { id: first.id }, customer.meta);
    assert.equal(cancelled.status, "cancelled");
    await stockIs(tea, 5, 0);
    const second = await shop.place(customer, { [tea]: 2 });
    await shop.pay(second);
    await shop.reaches(second.id, "paid");
    assert.equal(
      await failure(shop.node.call("orders.cancel", { id: second.id }, customer.meta)),
      "ORDER_NOT_CANCELLABLE",
    );
  });

  it("tries to pay again with another payment, and refuses where there is nothing to pay", async () => {
    const tea = await shop.offer(usd(350), 5);
    const customer = newCustomer();
    const placed = await shop.place(customer, { [tea]: 2 });
    const pay = (id: string) =>
      shop.node.call(
        "orders.pay",
        { id, provider: "sandbox" },
        { ...customer.meta, idempotencyKey: newId(), preferWait: 10 },
      );
    const again = await pay(placed.id);
    assert.notEqual(again.payment?.id, placed.payment?.id);
    assert.equal(again.payment?.nextAction?.type, "redirect");
    await shop.pay(again);
    const paid = await shop.reaches(placed.id, "paid");
    assert.equal(paid.payment?.id, again.payment?.id);
    assert.equal(await failure(pay(placed.id)), "ORDER_NOT_PAYABLE");
  });

  it("answers a repeated request with the same order, and makes no other", async () => {
    const tea = await shop.offer(usd(350), 5);
    const customer = newCustomer();
    const key = { idempotencyKey: newId() };
    const [first, second] = [
      await shop.place(customer, { [tea]: 1 }, key),
      await shop.place(customer, { [tea]: 1 }, key),
    ];
    assert.equal(second.id, first.id);
    const { items } = await shop.node.call("orders.list", {}, customer.meta);
    assert.equal(items.length, 1);
  });

  it("does not take stock twice for messages that come again, late", async () => {
    const tea = await shop.offer(usd(350), 5);
    const placed = await shop.place(newCustomer(), { [tea]: 2 });
    await shop.pay(placed);
    await shop.reaches(placed.id, "paid");
    await stockIs(tea, 3, 0);
    const ofOrder = new Set(["stock.reserve", "stock.commit", "stock.reserved", "payment.captured"]);
    const about = (it: { subject: string; data: unknown }) =>
      it.subject === placed.id || (it.data as { orderId?: string }).orderId === placed.id;
    const late = shop.published.filter((it) => ofOrder.has(it.type) && about(it));
    assert.equal(late.length, 4);
    // With new ids too, so that only the actors' state helps, not the inbox.
    for (const again of [...late, ...late.map((it) => ({ ...it, id: newId() })), ...late])
      await shop.node.runtime.bus.publish(again);
    await eventually("the late hold is released", async () =>
      shop.published.some(
        (it) => it.type === "stock.release" && (it.data as { orderId?: string }).orderId === placed.id,
      ),
    );
    await stockIs(tea, 3, 0);
    assert.equal((await get(placed.id)).status, "paid");
  });

  it("shows an order to its customer and to staff, and to nobody else", async () => {
    const tea = await shop.offer(usd(350), 5);
    const [ada, bob] = [newCustomer(), newCustomer()];
    const { id } = await shop.place(ada, { [tea]: 1 });
    assert.equal((await shop.node.call("orders.get", { id }, ada.meta)).id, id);
    assert.equal((await shop.node.call("orders.get", { id }, staff)).id, id);
    assert.deepEqual(await shop.node.call("orders.owner", { id }), {
      customerId: ada.id,
      number: (await get(id)).number,
    });
    for (const call of [
      () => shop.node.call("orders.get", { id }, bob.meta),
      () => shop.node.call("orders.cancel", { id }, bob.meta),
      () => shop.node.call("orders.events", { id }, bob.meta),
      () =>
        shop.node.call("orders.pay", { id, provider: "sandbox" }, { ...bob.meta, idempotencyKey: newId() }),
      () => shop.node.call("orders.get", { id: newId() }, ada.meta),
    ])
      assert.equal(await failure(call()), "NOT_FOUND");
    assert.equal((await get(id)).status, "awaiting_payment");
  });

  it("lists the caller's orders, newest first, page by page", async () => {
    const tea = await shop.offer(usd(350), 10);
    const customer = newCustomer();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await shop.place(customer, { [tea]: 1 })).id);
    await shop.node.call("orders.cancel", { id: ids[0] ?? "" }, customer.meta);

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await shop.node.call("orders.list", { limit: 2, cursor }, customer.meta);
      seen.push(...page.items.map((it) => it.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    assert.deepEqual(seen, ids);

    const cancelled = await shop.node.call("orders.list", { status: "cancelled" }, customer.meta);
    assert.deepEqual(
      cancelled.items.map((it) => it.id),
      [ids[0]],
    );
    assert.equal(await failure(shop.node.call("orders.list", { all: true }, customer.meta)), "FORBIDDEN");
    const all = await shop.node.call("orders.list", { all: true, limit: 100 }, staff);
    assert.ok(all.items.length > ids.length);
    assert.equal(
      await failure(shop.node.call("orders.list", { cursor: "nonsense" }, customer.meta)),
      "VALIDATION_FAILED",
    );
  });

  it("tells a waiting caller of the next change, and nothing when there is none", async () => {
    const tea = await shop.offer(usd(350), 10);
    const order = await shop.place(newCustomer(), { [tea]: 1 });
    const next = shop.node.call("orders.next", { id: order.id, after: order.version, waitMs: 10_000 });
    await shop.pay(order);
    assert.equal((await next)?.status, "paid");
    assert.equal(await shop.node.call("orders.next", { id: order.id, after: 1_000, waitMs: 0 }), null);
  });

  it("refuses an empty cart, an unknown SKU or provider, and mixed currencies, and writes nothing", async () => {
    const [tea, cup] = [await shop.offer(usd(350), 5), await shop.offer({ amount: 9, currency: "EUR" }, 5)];
    const customer = newCustomer();
    assert.equal(await failure(shop.place(customer, {})), "CART_EMPTY");
    assert.equal(await failure(shop.place(customer, { gone: 1 })), "SKU_UNKNOWN");
    assert.equal(await failure(shop.place(customer, { [tea]: 1, [cup]: 1 })), "CURRENCY_MIXED");
    shop.fillCart(customer, { [tea]: 1 });
    const meta = () => ({ ...customer.meta, idempotencyKey: newId() });
    assert.equal(
      await failure(
        shop.node.call("orders.place", { shippingAddress: ADDRESS, payment: { provider: "nobody" } }, meta()),
      ),
      "PROVIDER_UNKNOWN",
    );
    assert.equal(
      await failure(shop.node.call("orders.place", { payment: { provider: "sandbox" } }, meta())),
      "VALIDATION_FAILED",
    );
    assert.deepEqual((await shop.node.call("orders.list", {}, customer.meta)).items, []);
  });
});
