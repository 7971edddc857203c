/** Long reads run in threads of their own: beside writes, within their time, and whatever becomes of a thread. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deserialize, serialize } from "bson";
import { type Collection, type Document, Long, MongoClient, MongoServerError } from "mongodb";
import type { StoreError } from "../../../src/errors.ts";
import { storeProgram } from "../../../src/index.ts";
import { Deadline, noDeadline } from "../../../src/query/deadline.ts";
import { Readers, type ReadersOptions } from "../../../src/readers/readers.ts";
import { MongoServer } from "../../../src/server.ts";
import { Store } from "../../../src/store.ts";
import { type Started, serveStore, startStore, temporaryFolder, until } from "../../support/with-store.ts";

interface Row {
  _id: number;
  n: number;
  text: string;
}

const scan: Document = { text: { $ne: "none" }, n: { $gte: 0 } };
const code = (wanted: number) => (error: unknown) =>
  error instanceof MongoServerError && error.code === wanted;

async function fill(rows: Collection<Row>, length: number): Promise<void> {
  const atOnce = 10_000;
  for (let from = 0; from < length; from += atOnce)
    await rows.insertMany(
      Array.from({ length: Math.min(atOnce, length - from) }, (_, i) => ({
        _id: from + i,
        n: (from + i) % 100,
        text: `common text of ${from + i}`,
      })),
    );
}

const readersOf = async ({ db }: Started): Promise<Document> =>
  (await db.command({ serverStatus: 1 })).readers;

describe("long reads", () => {
  const rowsInAll = 100_000;
  let store: Started;
  let rows: Collection<Row>;
  before(async function () {
    this.timeout(120_000);
    store = await startStore("message port", { readers: 1 });
    rows = store.db.collection<Row>("rows");
    await fill(rows, rowsInAll);
    await rows.createIndex({ text: "text" });
  });
  after(() => store.stop());

  it("hold up no writes", async () => {
    const scans = 8;
    let done = false;
    const reading = Promise.all(Array.from({ length: scans }, () => rows.countDocuments(scan))).finally(
      () => {
        done = true;
      },
    );
    const waits: number[] = [];
    while (!done) {
      const started = performance.now();
      await store.db.collection<{ at: number }>("written").insertOne({ at: started });
      waits.push(performance.now() - started);
    }
    assert.deepEqual(
      await reading,
      Array.from({ length: scans }, () => rowsInAll),
    );
    // One thread for all would do a write between two turns of each scan: some ten in all.
    assert.ok(waits.length > 100, `${waits.length} writes beside ${scans} scans`);
  });

  it("end at their time limit, whatever they do", async () => {
    const maxTimeMS = 20;
    const aggregate = (...stages: Document[]) => rows.aggregate(stages, { maxTimeMS }).toArray();
    const reads: [string, () => Promise<unknown>][] = [
      ["a scan", () => rows.countDocuments({ ...scan, text: { $regex: "x$" } }, { maxTimeMS })],
      ["a sort", () => rows.find({}, { maxTimeMS }).sort({ text: 1 }).toArray()],
      ["distinct values", () => rows.distinct("text", {}, { maxTimeMS })],
      ["a search", () => rows.find({ $text: { $search: "common" } }, { maxTimeMS }).toArray()],
      ["a $group", () => aggregate({ $group: { _id: "$text" } })],
      ["a $sort", () => aggregate({ $set: { m: 1 } }, { $sort: { text: -1 } })],
      ["a $count", () => aggregate({ $match: scan }, { $set: { m: 1 } }, { $count: "n" })],
      ["a $facet", () => aggregate({ $facet: { a: [{ $sortByCount: "$text" }] } })],
      [
        "a $lookup",
        () => aggregate({ $lookup: { from: "rows", localField: "n", foreignField: "n", as: "l" } }),
      ],
      ["an expression", () => aggregate({ $limit: 1 }, { $set: { l: { $size: { $range: [0, 900_000] } } } })],
      ["sizes", () => store.db.command({ dbStats: 1, maxTimeMS })],
      [
        "an explanation",
        () =>
          store.db.command({
            explain: { count: "rows", query: scan },
            verbosity: "executionStats",
            maxTimeMS,
          }),
      ],
    ];
    for (const [what, read] of reads) {
      const started = performance.now();
      await assert.rejects(read(), code(50), what);
      const took = performance.now() - started;
      assert.ok(took < 2000, `${what} took ${took} ms`);
    }
    // They take turns in one thread, and each has its limit from its start on.
    await Promise.all(reads.map(([what, read]) => assert.rejects(read(), code(50), what)));
    await until("none is left", async () => (await readersOf(store)).running === 0);
  });

  it("that come together take turns, so a short one does not wait for all", async () => {
    const order: string[] = [];
    const note = (what: string) => () => order.push(what);
    const many = Array.from({ length: 6 }, () => rows.countDocuments(scan).then(note("long")));
    const short = rows.countDocuments({ n: { $gte: 0 }, _id: { $lt: 5000 } }).then(note("short"));
    await Promise.all([...many, short]);
    assert.equal(order[0], "short");
  });

  it("keep their cursors in the thread that opened them", async () => {
    const before = await readersOf(store);
    const found = await rows.find(scan).batchSize(30_000).toArray();
    assert.deepEqual([found.length, new Set(found.map((row) => row._id)).size], [rowsInAll, rowsInAll]);
    assert.ok((await readersOf(store)).total >= before.total + 4, "the find and three batches");

    const cursor = rows.find(scan).batchSize(2);
    await cursor.next();
    const { id = Long.ZERO } = cursor;
    const more = { getMore: id, collection: "rows", batchSize: 1 };
    assert.equal((await store.db.command(more)).cursor.nextBatch.length, 1);
    await assert.rejects(store.db.command({ ...more, collection: "other" }), code(13));
    const kill = { killCursors: "rows", cursors: [id, Long.fromString("77")] };
    const killed = await store.db.command(kill, { promoteLongs: false });
    assert.deepEqual(killed.cursorsKilled.map(String), [String(id)]);
    assert.deepEqual(killed.cursorsNotFound.map(String), ["77"]);
    await assert.rejects(store.db.command(more), code(43));
  });

  it("lose their cursors with their collection", async () => {
    const doomed = store.db.collection<Row>("doomed");
    await fill(doomed, 3000);
    const cursor = doomed.find(scan).batchSize(2);
    await cursor.next();
    const { id = Long.ZERO } = cursor;
    await doomed.drop();
    await assert.rejects(store.db.command({ getMore: id, collection: "doomed" }), code(43));
    await cursor.close();
  });

  it("are stopped when their client goes", async () => {
    const client = await MongoClient.connect(store.uri, { maxPoolSize: 1 });
    const endless = Array.from({ length: 6 }, () => ({ $unwind: "$l" }));
    const slow = client
      .db("shop")
      .collection("rows")
      .aggregate([{ $set: { l: { $range: [0, 1000] } } }, ...endless, { $count: "n" }])
      .toArray();
    const rejected = assert.rejects(slow);
    await until("it runs", async () => (await readersOf(store)).running === 1);
    await client.close();
    await rejected;
    await until("it is stopped", async () => (await readersOf(store)).running === 0);
  });

  it("leave other processes excluded", async () => {
    await rows.countDocuments(scan);
    assert.equal((await readersOf(store)).threads, 1);
    const second = spawnSync(process.execPath, [storeProgram, "--dir", store.dir], { encoding: "utf8" });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /in use by another process/);
  });
});

describe("the thread that writes", () => {
  let store: Started;
  let rows: Collection<Row>;
  before(async () => {
    // So much time that no read goes to a reader because this machine is slow.
    store = await serveStore({ readMs: 10_000, sync: "normal" });
    rows = store.db.collection<Row>("rows");
    await fill(rows, 1500);
    await fill(store.db.collection<Row>("few"), 900);
    for (const name of ["rows", "few"]) await store.db.collection(name).createIndex({ text: "text" });
  });
  after(() => store.stop());

  const rowIds = Array.from({ length: 300 }, (_, i) => i * 3);
  const search = { $text: { $search: "common" } };
  const reads: [string, number, () => Promise<unknown>][] = [
    ["documents by _id", 0, () => rows.find({ _id: { $in: [1, 5, 7] } }).toArray()],
    ["documents by many _ids", 0, () => rows.find({ _id: { $in: rowIds } }).toArray()],
    ["one document", 0, () => rows.findOne({ text: "none" })],
    ["a count", 0, () => rows.countDocuments(scan)],
    ["a page", 0, () => rows.find().sort({ _id: -1 }).limit(300).toArray()],
    ["all of a few", 0, () => store.db.collection("few").find().toArray()],
    ["a search in a few", 0, () => store.db.collection("few").find(search).toArray()],
    ["a search in many, and the rest of it", 2, () => rows.find(search).toArray()],
    ["all of many, and the rest of it", 2, () => rows.find().toArray()],
    ["an aggregation of many, and the rest of it", 2, () => rows.aggregate([{ $match: scan }]).toArray()],
  ];
  for (const [what, left, read] of reads)
    it(`${left === 0 ? "keeps" : "leaves to readers"} ${what}`, async () => {
      const before = await readersOf(store);
      await read();
      const { total } = await readersOf(store);
      assert.equal(total - before.total, left);
    });
});

describe("reads in reader threads", () => {
  let store: Started;
  before(async () => {
    store = await serveStore({ readMs: 0, readers: 2 });
  });
  after(() => store.stop());

  it("see what their client wrote before, beside the writes of others", async () => {
    const things = store.db.collection<{ _id: number; n: number; s: string }>("things");
    await things.createIndex({ s: 1 });
    const client = async (_id: number): Promise<void> => {
      for (let n = 1; n <= 40; n++) {
        const s = `${_id}-${n}`;
        await things.updateOne({ _id }, { $set: { n, s } }, { upsert: true });
        assert.equal(await things.countDocuments({ s }), 1);
        assert.deepEqual(await things.find({ s, n: { $lte: n } }).toArray(), [{ _id, n, s }]);
        if (n % 10 !== 0) continue;
        await things.deleteOne({ _id });
        assert.equal(await things.countDocuments({ s }), 0);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => client(i)));
    assert.ok((await readersOf(store)).total >= 1600);
  });

  it("see a write that came before them on their connection and asked for no answer", async () => {
    const one = await MongoClient.connect(store.uri, { maxPoolSize: 1 });
    const things = one.db("shop").collection<{ _id: number }>("unanswered");
    for (let _id = 0; _id < 50; _id++) {
      await things.insertOne({ _id }, { writeConcern: { w: 0 } });
      assert.equal(await things.countDocuments({ _id: { $gte: 0 } }), _id + 1);
    }
    await one.close();
  });

  it("keep SQLite's log short, however many there are", async function () {
    this.timeout(60_000);
    const rows = store.db.collection<Row>("rows");
    await fill(rows, 20_000);
    let done = false;
    const read = async (): Promise<void> => {
      while (!done) await rows.countDocuments(scan);
    };
    const reading = [read(), read(), read(), read()];
    const log = join(store.dir, "store.sqlite-wal");
    let largest = 0;
    for (let n = 0; n < 120; n++) {
      await store.db
        .collection("large")
        .insertMany(Array.from({ length: 20 }, () => ({ x: "x".repeat(100_000) })));
      largest = Math.max(largest, statSync(log).size);
    }
    done = true;
    await Promise.all(reading);
    // 240 MB were written. The log is moved into the file from 32 MB on.
    assert.ok(largest < 100_000_000, `the log took ${largest} bytes`);
  });
});

describe("a reader thread", () => {
  let dir: string;
  let store: Store;
  let readers: Readers;
  let client: MongoClient;
  let close: () => Promise<void>;

  async function serve(options: Partial<ReadersOptions> = {}): Promise<void> {
    dir = temporaryFolder();
    store = new Store({ dir, sync: "normal" });
    readers = new Readers(store, { dir, most: 1, ...options });
    const server = new MongoServer(store, readers, 0);
    close = () => server.close();
    const socket = await server.listen({ socket: join(dir, "mongodb.sock") });
    const uri = `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;
    client = await MongoClient.connect(uri, { retryReads: false });
    await client
      .db("shop")
      .collection<Row>("rows")
      .insertMany([
        { _id: 1, n: 1, text: "a" },
        { _id: 2, n: 2, text: "b" },
        { _id: 3, n: 3, text: "c" },
      ]);
  }

  afterEach(async () => {
    await client.close();
    await close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("that dies fails its reads, and another takes its place", async function () {
    this.timeout(60_000);
    await serve({ heapMb: 32 });
    const rows = client.db("shop").collection<Row>("rows");
    const cursor = rows.find().batchSize(1);
    await cursor.next();
    const deadly = [
      { $limit: 1 },
      { $set: { l: { $map: { input: { $range: [0, 900_000] }, in: { a: "$$this" } } } } },
    ];
    const lost = rows.aggregate(deadly).toArray();
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    await assert.rejects(lost, code(6));
    assert.match((await warned).message, /reader thread .* failed/);
    await assert.rejects(cursor.next(), code(43));
    assert.equal(await rows.countDocuments({ n: { $gt: 1 } }), 2);
    assert.deepEqual(readers.status, { threads: 1, running: 0, waiting: 0, total: 3 });
    // What the dead one held of the file is free. The new one leaves its snapshot just after its answer.
    await rows.insertOne({ _id: 4, n: 4, text: "d" });
    const moveLog = store.database.sql.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    await until("the log can be moved", async () => moveLog.get()?.busy === 0);
  });

  it("ends when there is nothing to do, but not while it has cursors", async () => {
    await serve({ idleMs: 20 });
    const rows = client.db("shop").collection<Row>("rows");
    const cursor = rows.find().batchSize(1);
    await cursor.next();
    await sleep(50);
    readers.sweep();
    assert.deepEqual([readers.status.threads, store.database.shared], [1, true]);
    assert.deepEqual((await cursor.toArray()).length, 2);
    await sleep(50);
    readers.sweep();
    await until("it has ended", async () => !store.database.shared);
    assert.equal(readers.status.threads, 0);
    await rows.insertOne({ _id: 4, n: 4, text: "d" });
    assert.equal(await rows.countDocuments({ n: { $gt: 1 } }), 3);
    assert.deepEqual([readers.status.threads, store.database.shared], [1, true]);
  });

  it("takes no more reads than there is room for, and answers all others", async () => {
    await serve();
    const answers: (Buffer | StoreError)[] = [];
    const frame = messageFrame({ count: "rows", query: { n: 1 }, $db: "shop" });
    const read = {
      frame,
      deadline: noDeadline,
      cursor: undefined,
      done: (it: Buffer | StoreError) => answers.push(it),
    };
    for (let i = 0; i < 1100; i++) readers.run({ ...read });
    const refused = answers.map((it) => (Buffer.isBuffer(it) ? undefined : it.code));
    assert.deepEqual(
      refused,
      Array.from({ length: 68 }, () => 262),
    );
    assert.deepEqual([readers.status.running, readers.status.waiting], [32, 1000]);
    await until("all are answered", async () => answers.length === 1100);
    for (const it of answers.slice(68)) {
      assert.ok(Buffer.isBuffer(it));
      assert.equal(deserialize(it.subarray(21)).n, 1);
    }
  });

  it("answers a read whose time is over while it waits", async () => {
    await serve();
    const frame = messageFrame({ count: "rows", query: { n: 1 }, $db: "shop" });
    const late = new Promise<Buffer | StoreError>((done) => {
      readers.run({ frame, deadline: new Deadline(0.01), cursor: undefined, done });
    });
    const answer = await late;
    const error = Buffer.isBuffer(answer) ? deserialize(answer.subarray(21)) : answer;
    assert.equal(error.code, 50);
  });
});

/** A command as a driver sends it. */
function messageFrame(command: Document): Buffer {
  const body = serialize(command);
  const head = Buffer.alloc(21);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(2013, 12);
  return Buffer.concat([head, body]);
}
