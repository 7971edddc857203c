import assert from "node:assert/strict";
import {
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MongoBulkWriteError,
  MongoServerError,
  ObjectId,
  UUID,
} from "mongodb";
import { onEachTransport, type Started, serveStore, startStore, until } from "../support/with-store.ts";

interface Thing extends Document {
  _id: number | string | ObjectId;
  log?: number[];
}

onEachTransport("the official driver on the embedded store", (transport) =>
  behavesAsMongoDb(() => startStore(transport)),
);
describe("the official driver on an embedded store whose reader threads run all reads", () =>
  behavesAsMongoDb(() => serveStore({ readMs: 0 })));

function behavesAsMongoDb(start: () => Promise<Started>): void {
  let store: Started;
  let count = 0;
  before(async () => {
    store = await start();
  });
  after(() => store.stop());
  const fresh = () => store.db.collection<Thing>(`c${count++}`);
  const refused = (code: number) => (error: unknown) =>
    error instanceof MongoServerError && error.code === code;

  it("keeps every type as it was stored", async () => {
    const things = fresh();
    const document = {
      _id: "x",
      int: new Int32(1),
      double: new Double(1),
      long: Long.fromString("9007199254740993"),
      decimal: Decimal128.fromString("1.10"),
      order: { 2: "b", 1: "a" },
      uuid: new UUID(),
      date: new Date(5),
      none: null,
      regex: /a.c/i,
    };
    await things.insertOne(document);
    const raw = await things.findOne({ _id: "x" }, { promoteValues: false, bsonRegExp: false });
    assert.ok(raw?.double instanceof Double && raw.int instanceof Int32);
    assert.equal(raw.long.toString(), "9007199254740993");
    assert.equal(raw.decimal.toString(), "1.10");
    assert.deepEqual(raw.uuid, document.uuid);
    assert.deepEqual(raw.regex, /a.c/i);
  });

  it("refuses an insert and an upsert on an _id that exists", async () => {
    const things = fresh();
    await things.insertOne({ _id: 1, version: 3 });
    await assert.rejects(things.insertOne({ _id: 1 }), refused(11000));
    const upsert = things.updateOne({ _id: 1, version: 2 }, { $set: { a: 1 } }, { upsert: true });
    await assert.rejects(upsert, (error) => {
      assert.ok(error instanceof MongoServerError);
      assert.equal(error.code, 11000);
      assert.deepEqual([error.keyPattern, error.keyValue], [{ _id: 1 }, { _id: 1 }]);
      return true;
    });
    assert.deepEqual(await things.findOne({ _id: 1 }), { _id: 1, version: 3 });
  });

  it("lets exactly ten of 200 parallel conditional decrements through", async () => {
    const stock = fresh();
    await stock.insertOne({ _id: "sku", available: 10 });
    const take = () => stock.updateOne({ _id: "sku", available: { $gte: 1 } }, { $inc: { available: -1 } });
    const results = await Promise.all(Array.from({ length: 200 }, take));
    assert.equal(results.filter((result) => result.modifiedCount === 1).length, 10);
    assert.equal((await stock.findOne({ _id: "sku" }))?.available, 0);
  });

  it("reports a bulk write statement by statement", async () => {
    const things = fresh();
    await things.insertMany([
      { _id: 1, v: 0 },
      { _id: 2, v: 0 },
    ]);
    const push: Document = { log: { $each: [1, 2] } };
    const bulk = things.bulkWrite(
      [
        { updateOne: { filter: { _id: 1, v: 0 }, update: { $inc: { v: 1 }, $push: push } } },
        { insertOne: { document: { _id: 2 } } },
        { updateOne: { filter: { _id: 2, v: 9 }, update: { $set: { v: 1 } } } },
        { updateOne: { filter: { _id: 3 }, update: { $setOnInsert: { made: true } }, upsert: true } },
        { deleteOne: { filter: { _id: 2 } } },
      ],
      { ordered: false },
    );
    await assert.rejects(
      bulk,
      (error: Error & { writeErrors?: { index: number; code: number }[]; result?: Document }) => {
        assert.deepEqual(
          error.writeErrors?.map(({ index, code }) => [index, code]),
          [[1, 11000]],
        );
        assert.deepEqual(
          [error.result?.matchedCount, error.result?.upsertedCount, error.result?.deletedCount],
          [1, 1, 1],
        );
        return true;
      },
    );
    assert.deepEqual(await things.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, v: 1, log: [1, 2] },
      { _id: 3, made: true },
    ]);
  });

  it("counts each statement once where one of a command fails, in a collection made by that command too", async () => {
    const things = fresh();
    const documents = [{ _id: 1 }, { _id: 2 }, { _id: 1 }, { _id: 3 }];
    const told = async (ordered: boolean) => {
      const error = await things.insertMany(documents, { ordered }).catch((it: unknown) => it);
      assert.ok(error instanceof MongoBulkWriteError);
      return [error.result.insertedCount, ...[error.writeErrors].flat().map((it) => it.index)];
    };
    assert.deepEqual(await told(true), [2, 2]);
    assert.equal(await things.countDocuments(), 2);
    assert.deepEqual(await told(false), [1, 0, 1, 2]);
    assert.equal(await things.countDocuments(), 3);
  });

  it("leaves nothing of a statement that fails half way", async () => {
    const things = fresh();
    await things.createIndex({ a: 1 }, { unique: true });
    await things.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ]);
    await assert.rejects(things.updateMany({}, { $set: { a: 7, seen: true } }), refused(11000));
    assert.equal(await things.countDocuments({ seen: true }), 0);
  });

  it("guards unique indexes: compound, sparse, partial", async () => {
    const things = fresh();
    await things.createIndexes([
      { key: { shop: 1, sku: 1 }, unique: true },
      { key: { email: 1 }, unique: true, sparse: true },
      { key: { slot: 1 }, unique: true, partialFilterExpression: { open: true } },
    ]);
    await things.insertOne({ _id: 1, shop: 1, sku: "a", slot: 1, open: true });
    await assert.rejects(things.insertOne({ _id: 2, shop: 1, sku: "a" }), refused(11000));
    await things.insertOne({ _id: 3, shop: 1, sku: "b", slot: 1, open: false });
    await assert.rejects(things.updateOne({ _id: 3 }, { $set: { open: true } }), refused(11000));
    await things.insertOne({ _id: 4, shop: 2, sku: "a", email: "x" });
    await assert.rejects(things.insertOne({ _id: 5, shop: 3, sku: "a", email: "x" }), refused(11000));
  });

  it("uses an index for equality, $in, ranges, prefixes, sorts and keyset pages", async () => {
    const things = fresh();
    await things.insertMany(
      Array.from({ length: 500 }, (_, i) => ({ _id: i, kind: `k${i % 5}`, price: i % 50, name: `n${i}` })),
    );
    await things.createIndexes([{ key: { kind: 1, price: 1, _id: 1 } }, { key: { name: 1 } }]);
    const examined = async (filter: Document, sort: Document = {}, limit = 0): Promise<[string, number]> => {
      const told = await things
        .find(filter)
        .sort(sort as { [name: string]: 1 })
        .limit(limit)
        .explain("executionStats");
      const { winningPlan } = told.queryPlanner;
      return [winningPlan.inputStage?.stage ?? winningPlan.stage, told.executionStats.totalDocsExamined];
    };
    assert.deepEqual(await examined({ name: "n7" }), ["IXSCAN", 1]);
    assert.deepEqual(await examined({ name: { $in: ["n7", "n8", "zzz"] } }), ["IXSCAN", 2]);
    assert.deepEqual(await examined({ name: /^n49/ }), ["IXSCAN", 11]);
    assert.deepEqual(await examined({ kind: "k1", price: { $gte: 40 } }), ["IXSCAN", 20]);
    assert.deepEqual(await examined({ kind: "k1" }, { price: -1, _id: -1 }, 5), ["IXSCAN", 5]);
    assert.deepEqual(await examined({}, { name: 1 }, 3), ["IXSCAN", 3]);
    const page = { kind: "k1", $or: [{ price: { $gt: 11 } }, { price: 11, _id: { $gt: 100 } }] };
    assert.deepEqual(await examined(page, { price: 1, _id: 1 }, 5), ["IXSCAN", 5]);
    assert.deepEqual(await examined({ _id: { $gte: 10, $lt: 20 } }), ["IXSCAN", 10]);
    assert.deepEqual(await examined({ $or: [{ name: "n3" }, { kind: "k2", price: 2 }] }), [
      "OR" as string,
      11,
    ]);
    assert.equal((await examined({ other: 1 }))[0], "COLLSCAN");
    const expected = (await things.find(page).toArray())
      .sort((a, b) => a.price - b.price || Number(a._id) - Number(b._id))
      .slice(0, 5);
    assert.deepEqual(await things.find(page).sort({ price: 1, _id: 1 }).limit(5).toArray(), expected);
  });

  it("reads long results through cursors and closes those that are given up", async () => {
    const things = fresh();
    await things.insertMany(Array.from({ length: 1000 }, (_, i) => ({ _id: i, even: i % 2 === 0 })));
    assert.equal((await things.find({}, { batchSize: 7 }).toArray()).length, 1000);
    assert.equal((await things.find({ even: true }).sort({ _id: -1 }).batchSize(11).toArray()).length, 500);
    const cursor = things.find({}, { batchSize: 2 });
    await cursor.next();
    const id = cursor.id;
    await cursor.close();
    const more = store.db.command({ getMore: id, collection: things.collectionName });
    await assert.rejects(more, refused(43));
  });

  it("lets documents of a TTL index go", async () => {
    const things = fresh();
    await things.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
    await things.insertMany([
      { _id: 1, expires: new Date(Date.now() - 1000) },
      { _id: 2, expires: new Date(Date.now() + 3_600_000) },
      { _id: 3, expires: "never" },
    ]);
    await until("the expired document is gone", async () => (await things.countDocuments({})) === 2);
    assert.deepEqual(
      (await things.find().sort({ _id: 1 }).toArray()).map((thing) => thing._id),
      [2, 3],
    );
  });

  it("searches text by words, weights and without diacritics", async () => {
    const products = fresh();
    await products.insertMany([
      { _id: 1, name: "Café grinder", text: "grinds beans" },
      { _id: 2, name: "Kettle", text: "for cafe and tea" },
      { _id: 3, name: "Mug", text: "blue" },
    ]);
    await products.createIndex({ name: "text", text: "text" }, { weights: { name: 10, text: 1 } });
    const score = { score: { $meta: "textScore" } } as const;
    const found = await products
      .find({ $text: { $search: "cafe" } })
      .project(score)
      .sort(score)
      .toArray();
    assert.deepEqual(
      found.map((product) => product._id),
      [1, 2],
    );
    assert.ok(found[0]?.score > found[1]?.score);
    await products.updateOne({ _id: 3 }, { $set: { text: "for a café" } });
    await products.deleteOne({ _id: 2 });
    assert.equal(await products.countDocuments({ $text: { $search: "CAFÉ -grinder" } }), 1);
    assert.equal(
      (await products.find({ $text: { $search: "cafe" } }).explain()).queryPlanner.winningPlan.stage,
      "TEXT_MATCH",
    );
  });

  it("aggregates: group, facet, unwind, lookup, bucket", async () => {
    const [orders, skus] = [fresh(), fresh()];
    await skus.insertMany([
      { _id: "a", name: "A" },
      { _id: "b", name: "B" },
    ]);
    await orders.insertMany([
      {
        _id: 1,
        at: new Date("2026-01-02"),
        lines: [
          { sku: "a", n: 2 },
          { sku: "b", n: 1 },
        ],
      },
      { _id: 2, at: new Date("2026-01-03"), lines: [{ sku: "a", n: 5 }] },
    ]);
    const sold = await orders
      .aggregate([
        { $unwind: "$lines" },
        { $group: { _id: "$lines.sku", n: { $sum: "$lines.n" }, orders: { $addToSet: "$_id" } } },
        { $lookup: { from: skus.collectionName, localField: "_id", foreignField: "_id", as: "sku" } },
        { $set: { name: { $first: "$sku.name" } } },
        { $project: { sku: 0 } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    assert.deepEqual(sold, [
      { _id: "a", n: 7, orders: [1, 2], name: "A" },
      { _id: "b", n: 1, orders: [1], name: "B" },
    ]);
    const [facets] = await orders
      .aggregate([
        {
          $facet: {
            count: [{ $count: "n" }],
            days: [{ $project: { day: { $dateToString: { date: "$at", format: "%Y-%m-%d" } } } }],
          },
        },
      ])
      .toArray();
    assert.deepEqual(facets, {
      count: [{ n: 2 }],
      days: [
        { _id: 1, day: "2026-01-02" },
        { _id: 2, day: "2026-01-03" },
      ],
    });
    const buckets = await orders
      .aggregate([
        { $unwind: "$lines" },
        { $bucket: { groupBy: "$lines.n", boundaries: [0, 2, 4], default: "many" } },
      ])
      .toArray();
    assert.deepEqual(buckets, [
      { _id: 0, count: 1 },
      { _id: 2, count: 1 },
      { _id: "many", count: 1 },
    ]);
    assert.equal(await orders.countDocuments({ $expr: { $gt: [{ $size: "$lines" }, 1] } }), 1);
  });

  it("modifies and answers with the old or the new form", async () => {
    const things = fresh();
    await things.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ]);
    assert.deepEqual(await things.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: -1 } }), {
      _id: 2,
      n: 2,
    });
    assert.deepEqual(
      await things.findOneAndUpdate(
        { _id: 9 },
        { $set: { n: 0 } },
        { upsert: true, returnDocument: "after", projection: { _id: 0 } },
      ),
      { n: 0 },
    );
    assert.deepEqual(await things.findOneAndReplace({ _id: 1 }, { m: 1 }, { returnDocument: "after" }), {
      _id: 1,
      m: 1,
    });
    assert.deepEqual(await things.findOneAndDelete({ _id: 1 }), { _id: 1, m: 1 });
    assert.equal(await things.findOneAndDelete({ _id: 1 }), null);
    await things.updateOne({ _id: 2 }, [{ $set: { twice: { $multiply: ["$n", 2] } } }]);
    assert.deepEqual(await things.findOne({ _id: 2 }), { _id: 2, n: 12, twice: 24 });
  });

  it("updates array elements by position, all of them, or by array filters", async () => {
    const things = fresh();
    await things.insertOne({
      _id: 1,
      lines: [
        { sku: "a", n: 1 },
        { sku: "b", n: 2 },
      ],
    });
    await things.updateOne({ _id: 1, "lines.sku": "b" }, { $set: { "lines.$.n": 9 } });
    await things.updateOne({ _id: 1 }, { $inc: { "lines.$[].n": 1 } });
    await things.updateOne(
      { _id: 1 },
      { $set: { "lines.$[line].big": true } },
      { arrayFilters: [{ "line.n": { $gt: 5 } }] },
    );
    assert.deepEqual(await things.findOne({ "lines.sku": "b" }, { projection: { _id: 0, "lines.$": 1 } }), {
      lines: [{ sku: "b", n: 10, big: true }],
    });
  });

  it("refuses with MongoDB's codes", async () => {
    const things = fresh();
    await things.insertOne({ _id: 1, text: "a", list: [1] });
    const update = (change: Document) => things.updateOne({ _id: 1 }, change);
    const cases: [number, () => Promise<unknown>][] = [
      [59, () => store.db.command({ nonsense: 1 })],
      [2, () => things.findOne({ a: { $nope: 1 } })],
      [2, () => things.findOne({ $nope: 1 } as Document)],
      [9, () => update({ $nope: { a: 1 } })],
      [14, () => update({ $inc: { text: 1 } })],
      [14, () => update({ $inc: { n: "x" } })],
      [2, () => update({ $push: { text: 1 } })],
      [28, () => update({ $set: { "text.inner": 1 } })],
      [40, () => update({ $set: { a: 1 }, $inc: { "a.b": 1 } })],
      [52, () => update({ $set: { "a.$b": 1 } })],
      [56, () => update({ $set: { "a..b": 1 } })],
      [66, () => update({ $set: { _id: 2 } })],
      [40324, () => things.aggregate([{ $nope: 1 }]).toArray()],
      [40573, () => things.aggregate([{ $changeStream: {} }]).toArray()],
      [26, () => store.db.collection("none").indexes()],
      [27, () => things.dropIndex("none")],
      [48, () => store.db.createCollection(things.collectionName)],
      [238, () => things.find({}, { collation: { locale: "de" } }).toArray()],
      [100, () => things.insertOne({ _id: 5 }, { writeConcern: { w: 2 } })],
      [53, () => store.db.collection<{ _id: unknown }>(things.collectionName).insertOne({ _id: [1] })],
      [51091, () => things.findOne({ text: { $regex: "(" } })],
      [15, () => things.insertOne({ _id: 3, deep: nested(250) })],
    ];
    for (const [code, run] of cases) {
      const told = await run().then(
        () => "nothing was refused",
        (error: unknown) => (error instanceof MongoServerError ? error : String(error)),
      );
      assert.equal(typeof told === "string" ? told : told.code, code, `${run}: ${told}`);
    }
    const session = store.client.startSession();
    session.startTransaction();
    await assert.rejects(things.insertOne({ _id: 2 }, { session }), refused(263));
    await session.endSession();
    const big = {
      insert: things.collectionName,
      documents: [{ _id: 4, text: "x".repeat(16 * 1024 * 1024) }],
    };
    assert.equal((await store.db.command(big)).writeErrors[0].code, 10334);
  });

  it("stops a scan after maxTimeMS, and is not stopped by a regular expression that explodes elsewhere", async () => {
    const things = fresh();
    await things.insertMany(Array.from({ length: 5000 }, (_, i) => ({ _id: i, text: "a".repeat(200) })));
    await assert.rejects(
      things.find({ text: { $ne: "b" }, other: 1 }, { maxTimeMS: 1 }).toArray(),
      refused(50),
    );
    const started = Date.now();
    await things.insertOne({ _id: "evil", text: `${"a".repeat(40)}!` });
    const explode = { _id: "evil", text: { $regex: "^(a+)+$", $options: "i" } };
    assert.equal(await things.findOne(explode), null);
    assert.ok(Date.now() - started < 3000);
  });

  it("manages databases, collections and indexes", async () => {
    const things = fresh();
    const name = things.collectionName;
    await things.insertOne({ _id: new ObjectId(), at: new Date() });
    await things.createIndex({ at: 1 }, { expireAfterSeconds: 3600, name: "at_ttl" });
    await store.db.command({ collMod: name, index: { name: "at_ttl", expireAfterSeconds: 7200 } });
    assert.equal((await things.indexes()).find((index) => index.name === "at_ttl")?.expireAfterSeconds, 7200);
    await assert.rejects(things.createIndex({ at: 1 }, { name: "other" }), refused(85));
    await things.rename(`${name}-new`);
    assert.deepEqual((await store.db.listCollections({ name: `${name}-new` }).toArray()).length, 1);
    assert.equal(await store.db.collection(`${name}-new`).drop(), true);
    await store.client.db("other").collection("c").insertOne({ a: 1 });
    assert.ok(
      (await store.db.admin().listDatabases()).databases.some((database) => database.name === "other"),
    );
    await store.client.db("other").dropDatabase();
    assert.equal((await store.client.db("other").listCollections().toArray()).length, 0);
    const status = await store.db.admin().serverStatus();
    assert.equal(status.version, "7.0.0");
    await store.db.collection("c").insertOne({ a: 1 });
    const { opcounters, sqlite } = await store.db.admin().serverStatus();
    assert.ok(opcounters.insert > status.opcounters.insert);
    const committed = "transactions committed";
    assert.ok(sqlite.transaction[committed] > status.sqlite.transaction[committed]);
    const flushed = "log sync operations";
    assert.ok(sqlite.log[flushed] > status.sqlite.log[flushed]);
  });
}

function nested(depth: number): Document {
  let document: Document = {};
  for (let i = 0; i < depth; i++) document = { a: document };
  return document;
}
