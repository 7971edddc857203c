import assert from "node:assert/strict";
import type { Collection } from "mongodb";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { WriteGroup } from "../../../broker/mongo/write-group.ts";
import { isTransient } from "../../../broker/resilience/retry.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

interface Thing {
  _id: string;
  n: number;
}

describe("write group", () => {
  let database: MemoryDatabase;
  let things: Collection<Thing>;
  let group: WriteGroup<Thing>;

  before(async () => {
    database = await openMemoryDatabase();
  });

  beforeEach(async () => {
    things = database.service("grouped").getClient().db("souk_grouped").collection<Thing>("things");
    await things.deleteMany({});
    group = new WriteGroup(things);
  });

  after(async () => {
    await database.close();
  });

  it("sends what waits as one command", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => group.insert({ _id: `t${n}`, n })));
    assert.equal(await things.countDocuments(), 50);
    assert.equal(group.commands, 1);
  });

  it("fails only the writes that were refused, each with its own error", async () => {
    await group.insert({ _id: "taken", n: 1 });
    const results = await Promise.allSettled([
      group.insert({ _id: "a", n: 1 }),
      group.insert({ _id: "taken", n: 2 }),
      group.update({ _id: "taken" }, { $inc: { n: 10 } }),
      group.insert({ _id: "b", n: 1 }),
    ]);
    assert.deepEqual(
      results.map((it) => it.status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled"],
    );
    assert.ok(results[1]?.status === "rejected" && isDuplicateKey(results[1].reason));
    assert.equal((await things.findOne({ _id: "taken" }))?.n, 11);
  });

  it("says that an update matched only where the totals prove it", async () => {
    await group.insert({ _id: "there", n: 1 });
    assert.equal(await group.update({ _id: "there" }, { $inc: { n: 1 } }), true);
    const answers = await Promise.all([
      group.update({ _id: "there" }, { $inc: { n: 1 } }),
      group.update({ _id: "missing" }, { $inc: { n: 1 } }),
    ]);
    assert.deepEqual(answers, [undefined, undefined]);
  });

  it("does a group again one by one when one write can't even be sent", async () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    const results = await Promise.allSettled([
      group.insert({ _id: "fine", n: 1 }),
      group.update({ _id: "fine" }, { $set: endless }),
    ]);
    assert.deepEqual(
      results.map((it) => it.status),
      ["fulfilled", "rejected"],
    );
    assert.equal(await things.countDocuments(), 1);
  });

  it("fails all of them when the database is away, and works again afterwards", async () => {
    await database.store.close();
    await assert.rejects(group.insert({ _id: "x", n: 1 }), (error) => isTransient(error));
    const updates = await Promise.allSettled([
      group.insert({ _id: "y", n: 1 }),
      group.update({ _id: "x" }, { $set: { n: 2 } }),
    ]);
    assert.deepEqual(
      updates.map((it) => it.status),
      ["rejected", "rejected"],
    );
    await database.close();
    database = await openMemoryDatabase();
    things = database.service("grouped").getClient().db("souk_grouped").collection<Thing>("things");
    group = new WriteGroup(things);
    await group.insert({ _id: "x", n: 1 });
  });
});
