import assert from "node:assert/strict";
import { setImmediate as pass } from "node:timers/promises";
import { Batcher } from "../../../broker/mongo/batcher.ts";

describe("A batcher", () => {
  let sent: { items: readonly number[]; done: () => void }[];
  const batcher = (inFlight?: number) =>
    new Batcher<number>(
      (items) => new Promise((resolve) => sent.push({ items, done: resolve })),
      ...(inFlight === undefined ? [] : [inFlight]),
    );
  const items = () => sent.map((it) => it.items);
  beforeEach(() => {
    sent = [];
  });

  it("sends what arrives in one pass of the event loop as one command", async () => {
    const batch = batcher();
    for (const item of [1, 2, 3]) batch.add(item);
    assert.deepEqual(items(), []);
    await pass();
    assert.deepEqual(items(), [[1, 2, 3]]);
  });

  it("sends what arrived meanwhile when its only command has returned", async () => {
    const batch = batcher();
    batch.add(1);
    await pass();
    batch.add(2);
    await pass();
    batch.add(3);
    await pass();
    assert.deepEqual(items(), [[1]]);
    const underWay = batch.underWay;
    assert.ok(underWay);
    sent[0]?.done();
    await underWay;
    assert.deepEqual(items(), [[1], [2, 3]]);
  });

  it("has as many commands in flight as it may, one a pass", async () => {
    const batch = batcher(2);
    for (const item of [1, 2, 3, 4]) {
      batch.add(item);
      await pass();
    }
    assert.deepEqual(items(), [[1], [2]]);
    assert.ok(batch.underWay, "a further command must wait");
    sent[1]?.done();
    await pass();
    assert.deepEqual(items(), [[1], [2], [3, 4]]);
    sent[0]?.done();
    sent[2]?.done();
    await pass();
    assert.equal(batch.underWay, undefined);
  });

  it("sends at most 500 items in a command", async () => {
    const batch = batcher(16);
    for (let item = 0; item < 1_100; item++) batch.add(item);
    await pass();
    assert.deepEqual(
      items().map((it) => it.length),
      [500, 500, 100],
    );
  });
});
