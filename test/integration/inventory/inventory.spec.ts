import assert from "node:assert/strict";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import inventory from "../../../services/inventory/inventory.service.ts";
import { type LedgerEntry, ledgerModel } from "../../../services/inventory/ledger.model.ts";
import { seedStock } from "../../../services/inventory/seed-stock.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { failure, staff } from "../../support/shop/ordering-fixture.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

describe("the inventory service", () => {
  let node: ServicesNode;
  const answers: Envelope[] = [];

  before(async () => {
    node = await startServices([inventory]);
    const { bus } = node.runtime;
    const publish = bus.publish.bind(bus);
    bus.publish = async (message) => {
      answers.push(message);
      // Nobody runs orders here: its messages wait in its queues.
      return message.type.startsWith("stock.re") && message.source === "/inventory"
        ? undefined
        : publish(message);
    };
  });
  after(() => node.close());

  const send = <T extends MessageType>(type: T, subject: string, data: DataIn<T>) =>
    node.runtime.bus.publish(envelope(type, subject, data, { source: "/test", at: Date.now() }));
  const newSku = () => `SKU-${newId()}`;
  const create = async (onHand: number) => {
    const sku = newSku();
    await node.call("inventory.create", { sku, onHand }, staff);
    return sku;
  };
  const ledgerOf = (sku: string): Promise<LedgerEntry[]> =>
    ledgerModel.bind(node.runtime.database("inventory")).find({ sku }).sort({ at: 1 }).lean();

  it("starts to keep stock of a SKU, once", async () => {
    const sku = newSku();
    assert.equal(await failure(node.call("inventory.get", { sku })), "NOT_FOUND");
    const created = await node.call("inventory.create", { sku, onHand: 5 }, staff);
    assert.deepEqual(created, { sku, onHand: 5, held: 0, available: 5 });
    assert.deepEqual(await node.call("inventory.get", { sku }), created);
    assert.equal(await failure(node.call("inventory.create", { sku, onHand: 1 }, staff)), "SKU_TAKEN");
  });

  it("adjusts what is on hand and writes it in the ledger, with who and why", async () => {
    const sku = await create(5);
    await node.call("inventory.adjust", { sku, delta: 3, reason: "found" }, staff);
    await node.call("inventory.adjust", { sku, delta: -6, reason: "broken" }, staff);
    assert.equal(
      await failure(node.call("inventory.adjust", { sku, delta: -3, reason: "no" }, staff)),
      "INSUFFICIENT_STOCK",
    );
    const entries = await eventually("the ledger is complete", async () => {
      const found = await ledgerOf(sku);
      return found.length === 3 && found;
    });
    assert.deepEqual(entries.map((it) => [it.delta, it.onHand, it.reason, it.by]).sort(), [
      [-6, 2, "broken", staff.user?.id],
      [3, 8, "found", staff.user?.id],
      [5, 5, "initial stock", null],
    ]);
    assert.equal(
      await failure(node.call("inventory.adjust", { sku: newSku(), delta: 1, reason: "x" }, staff)),
      "NOT_FOUND",
    );
  });

  it("adjusts once for an Idempotency-Key, and as often as it is asked without one", async () => {
    const sku = await create(5);
    const found = { sku, delta: 2, reason: "found" };
    const keyed = { ...staff, idempotencyKey: newId() };
    const first = await node.call("inventory.adjust", found, keyed);
    assert.equal(first.onHand, 7);
    await node.call("inventory.adjust", { ...found, delta: 1 }, staff);
    assert.deepEqual(await node.call("inventory.adjust", found, keyed), first, "the first answer");
    assert.equal((await node.call("inventory.get", { sku })).onHand, 8);
    assert.equal(
      await failure(node.call("inventory.adjust", { ...found, delta: 3 }, keyed)),
      "IDEMPOTENCY_KEY_REUSED",
    );
    await node.call("inventory.adjust", { ...found, delta: 1 }, staff);
    assert.equal((await node.call("inventory.get", { sku })).onHand, 9);
  });

  it("adjusts once where the node died between the change and its answer", async () => {
    const sku = await create(5);
    const found = { sku, delta: 2, reason: "found" };
    const keyed = { ...staff, idempotencyKey: newId() };
    await node.call("inventory.adjust", found, keyed);
    // As a crashed node leaves it: in progress, with an expired lease.
    const { modifiedCount } = await node.runtime
      .database("inventory")
      .collection("idempotency_keys")
      .updateOne(
        { _id: new RegExp(keyed.idempotencyKey) },
        { $set: { state: "in_progress", run: "dead", lockedUntil: new Date(0) }, $unset: { body: 1 } },
      );
    assert.equal(modifiedCount, 1);
    assert.equal((await node.call("inventory.adjust", found, keyed)).onHand, 7);
    assert.equal((await node.call("inventory.get", { sku })).onHand, 7);
  });

  it("enters a movement that is told twice once", async () => {
    const sku = await create(5);
    const moved = await eventually("the movement is told", () =>
      answers.find((it) => it.type === "stock.moved" && it.subject === sku),
    );
    await node.runtime.bus.publish(moved);
    await node.runtime.bus.publish(moved);
    assert.equal((await ledgerOf(sku)).length, 1);
  });

  it("tells the availability of many SKUs at once, leaving out what it does not keep", async () => {
    const [some, none] = [await create(4), await create(0)];
    await send("stock.reserve", some, { orderId: newId(), quantity: 3 });
    const skus = [some, none, ...Array.from({ length: 1_998 }, newSku)];
    const found = await node.call("inventory.availability", { skus });
    assert.deepEqual(
      found.sort((a, b) => b.available - a.available),
      [
        { sku: some, available: 1 },
        { sku: none, available: 0 },
      ],
    );
  });

  it("holds exactly 10 of 10 units when 200 orders come at once, and refuses to adjust below that", async () => {
    const sku = await create(10);
    await Promise.all(
      Array.from({ length: 200 }, () => send("stock.reserve", sku, { orderId: newId(), quantity: 1 })),
    );
    const about = (type: string) =>
      answers.filter((it) => it.type === type && (it.data as { sku?: string }).sku === sku);
    await eventually(
      "all are answered",
      () => about("stock.reserved").length + about("stock.rejected").length === 200,
    );
    assert.equal(about("stock.reserved").length, 10);
    assert.deepEqual(await node.call("inventory.get", { sku }), { sku, onHand: 10, held: 10, available: 0 });
    assert.equal(answers.filter((it) => it.type === "stock.depleted" && it.subject === sku).length, 1);
    assert.equal(
      await failure(node.call("inventory.adjust", { sku, delta: -1, reason: "x" }, staff)),
      "INSUFFICIENT_STOCK",
    );
  });

  it("restocks once for a message that comes twice", async () => {
    const sku = await create(1);
    const message = envelope(
      "stock.restock",
      sku,
      { orderId: newId(), quantity: 2, reason: "returned" },
      { source: "/test", at: Date.now() },
    );
    for (let n = 0; n < 3; n++) await node.runtime.bus.publish(message);
    assert.equal((await node.call("inventory.get", { sku })).onHand, 3);
  });

  it("seeds many SKUs with their ledger, skipping those that are there", async () => {
    const kept = await create(7);
    const items = Array.from({ length: 1_500 }, (_, n) => ({ sku: newSku(), onHand: n % 5 }));
    const connection = node.runtime.database("inventory");
    assert.equal(await seedStock(connection, [{ sku: kept, onHand: 99 }, ...items]), 1_500);
    assert.equal(await seedStock(connection, items), 0);
    assert.equal((await node.call("inventory.get", { sku: kept })).onHand, 7);
    const third = items[3];
    assert.ok(third);
    await send("stock.reserve", third.sku, { orderId: newId(), quantity: 1 });
    assert.deepEqual(await node.call("inventory.get", { sku: third.sku }), {
      sku: third.sku,
      onHand: 3,
      held: 1,
      available: 2,
    });
    assert.equal((await ledgerOf(third.sku)).length, 1);
  });
});
