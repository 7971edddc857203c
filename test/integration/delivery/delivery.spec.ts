import assert from "node:assert/strict";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import delivery from "../../../services/delivery/delivery.service.ts";
import { ADDRESS, failure, newCustomer, staff } from "../../support/shop/ordering-fixture.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

describe("the delivery service", () => {
  let node: ServicesNode;
  before(async () => {
    node = await startServices([delivery]);
  });
  after(() => node.close());

  /** Asks for a delivery as an order does, twice. */
  async function request() {
    const [id, orderId, customer] = [newId(), newId(), newCustomer()];
    const message = envelope(
      "delivery.request",
      id,
      {
        orderId,
        orderNumber: "N1",
        customerId: customer.id,
        shippingAddress: ADDRESS,
        items: [{ sku: "TEA-1", name: "Tea", quantity: 2 }],
      },
      { source: "/orders", at: Date.now() },
    );
    await node.runtime.bus.publish(message);
    await node.runtime.bus.publish({ ...message, id: newId() });
    return { id, orderId, customer };
  }

  it("makes one delivery of an order, however often it is asked for", async () => {
    const { id, orderId, customer } = await request();
    const found = await node.call("delivery.getByOrder", { id: orderId }, customer.meta);
    assert.equal(found.id, id);
    assert.equal(found.status, "created");
    assert.deepEqual(
      found.history.map((it) => it.status),
      ["created"],
    );
  });

  it("shows it to its customer and to staff, and to nobody else", async () => {
    const { orderId } = await request();
    assert.equal((await node.call("delivery.getByOrder", { id: orderId }, staff)).orderId, orderId);
    assert.equal(
      await failure(node.call("delivery.getByOrder", { id: orderId }, newCustomer().meta)),
      "NOT_FOUND",
    );
    assert.equal(await failure(node.call("delivery.getByOrder", { id: newId() }, staff)), "NOT_FOUND");
  });

  it("takes the carrier's word in the right order, and the same word again", async () => {
    const { id } = await request();
    const update = (status: "shipped" | "delivered" | "failed", tracking?: string) =>
      node.call("delivery.update", { id, status, tracking }, staff);
    assert.equal(await failure(update("delivered")), "DELIVERY_TRANSITION");
    assert.equal((await update("shipped", "T-1")).tracking, "T-1");
    assert.equal((await update("shipped", "T-1")).history.length, 2);
    assert.equal((await update("delivered")).status, "delivered");
    assert.equal(await failure(update("failed")), "DELIVERY_TRANSITION");
  });

  it("knows no delivery that nobody asked for", async () => {
    assert.equal(
      await failure(node.call("delivery.update", { id: newId(), status: "shipped" }, staff)),
      "NOT_FOUND",
    );
  });
});
