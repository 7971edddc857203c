import assert from "node:assert/strict";
import { ReadGroup } from "../../../broker/mongo/read-group.ts";
import { isTransient } from "../../../broker/resilience/retry.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

interface Thing {
  _id: string;
  n: number;
  more?: string;
}

describe("read group", () => {
  let database: MemoryDatabase;

  before(async () => {
    database = await openMemoryDatabase();
    const things = database.service("grouped").collection<Thing>("things");
    await things.insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: `t${n}`, n, more: "text" })));
  });

  after(async () => {
    await database.close();
  });

  const group = (projection?: Record<string, 1>) =>
    new ReadGroup<Thing>(database.service("grouped").collection("things"), projection);

  it("reads what is asked for together with one command, each its own document", async () => {
    const reads = group();
    const found = await Promise.all([reads.get("t1"), reads.get("none"), reads.get("t2"), reads.get("t1")]);
    assert.deepEqual(
      found.map((it) => it?.n),
      [1, undefined, 2, 1],
    );
    assert.equal(reads.commands, 1);
  });

  it("reads only what the projection names", async () => {
    assert.deepEqual(await group({ n: 1 }).getMany(["t3"]), [{ _id: "t3", n: 3 }]);
  });

  it("never answers with what was there before it was asked", async () => {
    const things = database.service("grouped").collection<Thing>("things");
    const reads = group();
    for (let n = 100; n < 150; n++) {
      const other = reads.get("t0");
      await things.updateOne({ _id: "t0" }, { $set: { n } });
      assert.equal((await reads.get("t0"))?.n, n);
      await other;
    }
  });

  it("fails all of them when the database is away", async () => {
    await database.store.close();
    const reads = group();
    const results = await Promise.allSettled([reads.get("t1"), reads.get("t2")]);
    for (const it of results) assert.ok(it.status === "rejected" && isTransient(it.reason));
  });
});
