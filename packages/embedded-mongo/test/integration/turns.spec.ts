/** A long command lets others run, is stopped by maxTimeMS, and still returns the right result. */
import assert from "node:assert/strict";
import { type Collection, type Document, MongoClient } from "mongodb";
import { onEachTransport, type Started, startStore } from "../support/with-store.ts";

type Row = { _id: number; n: number; text: string; x?: number };
const rowsInAll = 100_000;

onEachTransport("commands that take long", (transport) => {
  let store: Started;
  let rows: Collection<Row>;
  before(async function () {
    this.timeout(60_000);
    store = await startStore(transport);
    rows = store.db.collection<Row>("rows");
    for (let from = 0; from < rowsInAll; from += 10_000)
      await rows.insertMany(
        Array.from({ length: 10_000 }, (_, i) => ({
          _id: from + i,
          n: (from + i) % 100,
          text: `text of ${from + i}`,
        })),
      );
  });
  after(() => store.stop());

  /** Runs `long` and counts the pings that are answered while it runs. */
  async function pingsDuring<T>(long: () => Promise<T>): Promise<{ pings: number; result: T }> {
    let done = false;
    const work = long().finally(() => {
      done = true;
    });
    let pings = 0;
    while (!done) {
      await store.db.command({ ping: 1 });
      pings++;
    }
    return { pings: pings - 1, result: await work };
  }

  const scan: Document = { text: { $ne: "none" }, n: { $gte: 0 } };
  const works: [string, () => Promise<unknown>, unknown][] = [
    ["a scan", () => rows.countDocuments(scan), rowsInAll],
    [
      "a sort without an index",
      async () => (await rows.find().sort({ n: -1, text: 1 }).project({ _id: 1 }).batchSize(5).next())?._id,
      10_099,
    ],
    [
      "a group",
      async () =>
        (await rows.aggregate([{ $group: { _id: "$n", all: { $sum: 1 } } }, { $sort: { _id: 1 } }]).toArray())
          .length,
      100,
    ],
    [
      "an unwinding",
      async () =>
        (
          await rows
            .aggregate([
              { $limit: 1 },
              { $set: { l: { $range: [0, 100_000] } } },
              { $unwind: "$l" },
              { $match: { l: { $mod: [50_000, 1] } } },
            ])
            .toArray()
        ).length,
      2,
    ],
    ["distinct values", async () => (await rows.distinct("n", scan)).length, 100],
    [
      "an update of many",
      async () => (await rows.updateMany(scan, { $inc: { x: 1 } })).modifiedCount,
      rowsInAll,
    ],
    [
      "an update of the last",
      async () =>
        (await rows.updateOne({ text: `text of ${rowsInAll - 1}` }, { $inc: { x: 1 } })).modifiedCount,
      1,
    ],
    [
      "a change of the last",
      async () => (await rows.findOneAndUpdate({ text: `text of ${rowsInAll - 1}` }, { $inc: { x: 1 } }))?.x,
      2,
    ],
    [
      "a build of indexes",
      async () => [
        await rows.createIndexes([
          { key: { text: 1, n: 1 }, name: "by_text" },
          { key: { text: "text" }, name: "words" },
        ]),
        await rows.dropIndexes(),
      ],
      [["by_text", "words"], true],
    ],
  ];
  for (const [name, long, expected] of works) {
    it(`${name} gives way to others`, async () => {
      const { pings, result } = await pingsDuring(long);
      assert.deepEqual(result, expected);
      assert.ok(pings >= 3, `only ${pings} pings were answered meanwhile`);
    });
  }

  it("are stopped by maxTimeMS: scans, sorts, stages, updates, index builds, regular expressions", async () => {
    const maxTimeMS = 5;
    const endless = [{ $set: { l: { $range: [0, 100_000] } } }, { $unwind: "$l" }, { $group: { _id: "$l" } }];
    const stopped: [string, () => Promise<unknown>][] = [
      ["scan", () => rows.countDocuments(scan, { maxTimeMS })],
      ["sort", () => rows.find({}, { maxTimeMS }).sort({ text: 1 }).toArray()],
      ["stages", () => rows.aggregate(endless, { maxTimeMS }).toArray()],
      ["update", () => rows.updateMany(scan, { $inc: { x: 1 } }, { maxTimeMS })],
      ["delete", () => rows.deleteMany(scan, { maxTimeMS })],
      ["change", () => rows.findOneAndUpdate({ text: "none" }, { $inc: { x: 1 } }, { maxTimeMS })],
      ["index", () => rows.createIndex({ text: 1 }, { maxTimeMS })],
    ];
    for (const [name, run] of stopped) await assert.rejects(run(), { code: 50 }, name);
    assert.equal(await rows.countDocuments(), rowsInAll);
    assert.equal((await rows.indexes()).length, 1);
    await store.db.collection("big").insertOne({ text: "a".repeat(200_000) });
    const started = performance.now();
    await store.db.collection("big").findOne({ text: /a.*b/ }, { maxTimeMS: 100 });
    assert.ok(performance.now() - started < 2000);
  });

  it("see what others do meanwhile, and end when their collection goes", async () => {
    const doomed = store.db.collection<Row>("doomed");
    await rows.aggregate([{ $match: {} }]).next();
    for (let from = 0; from < 30_000; from += 10_000)
      await doomed.insertMany(
        Array.from({ length: 10_000 }, (_, i) => ({ _id: from + i, n: i % 10, text: "x".repeat(50) })),
      );
    const slow = doomed
      .aggregate([{ $match: { n: { $gte: 0 } } }, { $group: { _id: "$n", all: { $sum: 1 } } }])
      .toArray();
    const drop = store.db.command({ ping: 1 }).then(() => doomed.drop());
    const [met] = await Promise.allSettled([slow, drop]);
    if (met.status === "rejected") assert.equal(met.reason.code, 175);
    await store.db.createCollection("doomed");
    assert.equal(await doomed.countDocuments(), 0);
  });

  it("change only what still matches when its turn comes", async () => {
    const items = store.db.collection<{ _id: number; open: boolean; by?: string }>("items");
    for (let from = 0; from < 40_000; from += 10_000)
      await items.insertMany(Array.from({ length: 10_000 }, (_, i) => ({ _id: from + i, open: true })));
    const take = (by: string) => items.updateMany({ open: true }, { $set: { open: false, by } });
    const [a, b] = await Promise.all([take("a"), take("b")]);
    assert.equal(a.modifiedCount + b.modifiedCount, 40_000, "each item is taken once");
    assert.equal(await items.countDocuments({ by: "a" }), a.modifiedCount);
  });

  it("of one connection are answered in their order", async () => {
    const one = await MongoClient.connect(store.uri, { maxPoolSize: 1 });
    const order: string[] = [];
    await Promise.all([
      one
        .db("shop")
        .collection("rows")
        .countDocuments(scan)
        .then(() => order.push("scan")),
      one
        .db("shop")
        .command({ ping: 1 })
        .then(() => order.push("ping")),
    ]);
    await one.close();
    assert.deepEqual(order, ["scan", "ping"]);
  });
});
