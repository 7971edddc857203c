/** A client in the process of the store sends its commands through a message port. */
import assert from "node:assert/strict";
import { MessageChannel, MessagePort } from "node:worker_threads";
import {
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoClient,
  MongoServerError,
  ObjectId,
} from "mongodb";
import { startEmbeddedMongo } from "../../src/index.ts";
import { CommandPort, StoreEnded } from "../../src/port/command-port.ts";
import { messageOf } from "../../src/port/message.ts";
import { connectTo, onEachTransport, type Started, startStore, until } from "../support/with-store.ts";

interface Row extends Document {
  _id: number;
  text?: string;
}

/** Takes some 100 ms for 100 rows. */
const eachWithEach = [
  { $lookup: { from: "rows", pipeline: [{ $match: { $expr: { $gte: ["$_id", 0] } } }], as: "others" } },
  { $group: { _id: null, pairs: { $sum: { $size: "$others" } } } },
];

/** Counts the messages that this thread sends while `work` runs. */
async function messagesDuring(work: () => Promise<unknown>): Promise<number> {
  const { postMessage } = MessagePort.prototype;
  let sent = 0;
  MessagePort.prototype.postMessage = function (...args: unknown[]) {
    sent++;
    return Reflect.apply(postMessage, this, args);
  };
  try {
    await work();
  } finally {
    MessagePort.prototype.postMessage = postMessage;
  }
  return sent;
}

describe("the message port of a store in this process", () => {
  let store: Started;
  let rows: Collection<Row>;
  before(async () => {
    store = await startStore("message port");
    rows = store.db.collection<Row>("rows");
    await rows.insertMany(Array.from({ length: 5_000 }, (_, _id) => ({ _id, text: "x".repeat(_id % 100) })));
  });
  after(() => store.stop());

  const direct: [string, () => Promise<unknown>][] = [
    ["findOne", () => rows.findOne({ _id: 1 }, { projection: { text: 1 } })],
    ["find", () => rows.find({ _id: { $in: [1, 2] } }, { sort: { _id: -1 }, limit: 2 }).toArray()],
    ["findOneAndUpdate", () => rows.findOneAndUpdate({ _id: 1 }, { $set: { seen: true } })],
    ["insertOne", () => rows.insertOne({ _id: 90_001 })],
    ["insertMany", () => rows.insertMany([{ _id: 90_002 }, { _id: 90_003 }])],
    ["updateOne", () => rows.updateOne({ _id: 90_001 }, { $set: { text: "" } }, { upsert: true })],
    ["updateMany", () => rows.updateMany({ _id: { $gt: 90_001 } }, { $set: { text: "" } })],
    ["bulkWrite", () => rows.bulkWrite([{ deleteOne: { filter: { _id: 90_003 } } }])],
    ["deleteOne", () => rows.deleteOne({ _id: 90_002 })],
    ["deleteMany", () => rows.deleteMany({ _id: { $gte: 90_000 } })],
    ["aggregate", () => rows.aggregate([{ $match: { _id: 1 } }]).toArray()],
    ["countDocuments", () => rows.countDocuments({ _id: { $lt: 10 } }, { limit: 5 })],
  ];
  for (const [name, run] of direct)
    it(`carries ${name}`, async () => {
      assert.equal(await messagesDuring(run), 1);
    });

  it("carries all commands of one turn as one message", async () => {
    let found: unknown[] = [];
    const messages = await messagesDuring(async () => {
      const all = await Promise.all(Array.from({ length: 100 }, (_, _id) => rows.findOne({ _id })));
      found = all.map((it) => it?._id);
    });
    assert.deepEqual(found, [...Array(100).keys()]);
    assert.equal(messages, 1);
  });

  const others: [string, () => Promise<unknown>][] = [
    ["a command of the database", () => store.db.command({ ping: 1 })],
    ["a cursor that is iterated", () => rows.find({ _id: 1 }).next()],
    ["a cursor with more options", () => rows.find({ _id: 1 }).sort({ _id: 1 }).toArray()],
    ["another option", () => rows.findOne({ _id: 1 }, { comment: "why" })],
    ["an update without operators", () => assert.rejects(rows.updateOne({ _id: 1 }, { text: "" }), /atomic/)],
    ["a document without _id", () => store.db.collection("others").insertOne({ text: "" })],
    ["no reply", () => store.db.collection("others", { writeConcern: { w: 0 } }).insertOne({ text: "" })],
    [
      "ordered writes of two kinds",
      () =>
        rows.bulkWrite([
          { insertOne: { document: { _id: 91_000 } } },
          { deleteOne: { filter: { _id: 91_000 } } },
        ]),
    ],
  ];
  for (const [name, run] of others)
    it(`leaves to the driver: ${name}`, async () => {
      assert.equal(await messagesDuring(run), 0);
    });

  it("is not used by other clients, and by those that watch commands", async () => {
    const find = (client: MongoClient) => client.db("shop").collection<Row>("rows").findOne({ _id: 1 });
    const plain = await MongoClient.connect(store.uri);
    assert.equal(await messagesDuring(() => find(plain)), 0);
    await plain.close();
    const watching = await store.connect({ monitorCommands: true });
    assert.equal(await messagesDuring(() => find(watching)), 0);
    await watching.close();
  });

  it("brings large documents there and back", async () => {
    const text = "ä".repeat(7_000_000);
    assert.equal(await messagesDuring(() => rows.insertOne({ _id: -1, text })), 1);
    assert.equal((await rows.findOne({ _id: -1 }))?.text, text);
    await assert.rejects(rows.insertOne({ _id: -2, text: text + text }));
    const many = Array.from({ length: 4 }, (_, i) => ({ _id: -10 - i, text }));
    assert.equal(
      (await rows.bulkWrite(many.map((document) => ({ insertOne: { document } })))).insertedCount,
      4,
    );
  });

  it("reads long results in batches", async () => {
    assert.equal((await rows.find({ _id: { $gte: 0 } }).toArray()).length, 5_000);
    assert.equal((await rows.find({ _id: { $gte: 0 } }, { batchSize: 7, limit: 100 }).toArray()).length, 100);
  });

  it("ends with its client", async () => {
    const client = await store.connect();
    const found = client.db("shop").collection<Row>("rows");
    await client.close();
    assert.equal(await messagesDuring(() => assert.rejects(found.findOne({ _id: 1 }))), 0);
    await client.connect();
    assert.equal(await messagesDuring(() => found.findOne({ _id: 1 })), 1);
    await client.close();
  });
});

/** The outcome of a call: what it returns, or the error with what callers read of it. */
async function outcomeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    assert.ok(error instanceof MongoServerError, String(error));
    const { name, message, code, keyPattern, keyValue, errorLabels } = error;
    const bulk =
      error instanceof MongoBulkWriteError
        ? { result: { ...error.result, ...error.result.getRawResponse() }, writeErrors: error.writeErrors }
        : {};
    return { name, message, code, keyPattern, keyValue, errorLabels, ...bulk };
  }
}

describe("replies through the message port", () => {
  it("are those of the driver", async () => {
    const direct = await startStore("message port");
    const plain = await startStore("socket");
    const id = new ObjectId();
    const one = { _id: 1, n: 1, u: undefined, at: new Date(0), id, big: 2 ** 40, list: [{ a: 1 }, { a: 2 }] };
    const calls: ((it: Collection<Row>) => Promise<unknown>)[] = [
      (it) => it.createIndex({ n: 1 }, { unique: true }),
      (it) => it.insertOne({ ...one }),
      (it) => it.insertOne({ ...one }),
      (it) => it.insertOne({ _id: 2, n: undefined }, { ignoreUndefined: true }),
      (it) =>
        it.insertMany(
          [
            { _id: 3, n: 3 },
            { _id: 1, n: 4 },
            { _id: 5, n: 5 },
          ],
          { ordered: false },
        ),
      (it) =>
        it.insertMany([
          { _id: 6, n: 6 },
          { _id: 1, n: 7 },
          { _id: 8, n: 8 },
        ]),
      (it) => it.find().toArray(),
      (it) =>
        it
          .find({}, { sort: new Map([["n", -1]]), skip: 1, limit: 2, projection: { n: 1, _id: 0 } })
          .toArray(),
      (it) => it.find({ $nothing: 1 }).toArray(),
      (it) => it.findOne({ n: 3 }),
      (it) => it.findOne({ n: 33 }),
      (it) => it.findOne({}, { sort: { n: -1 }, projection: { _id: 1 } }),
      (it) => it.findOneAndUpdate({ _id: 1 }, { $inc: { n: 100 } }),
      (it) =>
        it.findOneAndUpdate(
          { _id: 1 },
          { $inc: { n: 1 } },
          { returnDocument: "after", projection: { n: 1 } },
        ),
      (it) => it.findOneAndUpdate({ _id: 77 }, { $set: { n: 77 } }),
      (it) => it.findOneAndUpdate({ _id: 77 }, { $set: { n: 77 } }, { upsert: true }),
      (it) =>
        it.findOneAndUpdate({ _id: 78 }, { $set: { n: 78 } }, { upsert: true, includeResultMetadata: true }),
      (it) => it.findOneAndUpdate({ _id: 79 }, { $set: { n: 78 } }, { upsert: true }),
      (it) =>
        it.findOneAndUpdate({ _id: 1 }, { $set: { "list.$[x].b": 1 } }, { arrayFilters: [{ "x.a": 2 }] }),
      (it) => it.updateOne({ _id: 1 }, { $set: { text: "t" } }),
      (it) => it.updateOne({ _id: 1 }, { $set: { text: "t" } }),
      (it) => it.updateOne({ _id: 404 }, { $set: { text: "t" } }),
      (it) => it.updateOne({ _id: 80 }, { $set: { n: 80 } }, { upsert: true }),
      (it) => it.updateOne({ _id: 1 }, { $set: { n: 80 } }),
      (it) => it.updateMany({ n: { $gt: 3 } }, { $set: { text: "m" } }),
      (it) =>
        it.bulkWrite(
          [
            { updateOne: { filter: { _id: 1 }, update: { $set: { n: 80 } } } },
            { updateOne: { filter: { _id: 3 }, update: { $set: { text: "b" } } } },
            { updateOne: { filter: { _id: 404 }, update: { $set: { text: "b" } } } },
            { replaceOne: { filter: { _id: 5 }, replacement: { n: 50 } } },
            { updateMany: { filter: { n: { $gt: 70 } }, update: { $set: { text: "c" } } } },
          ],
          { ordered: false },
        ),
      (it) =>
        it.bulkWrite([
          { updateOne: { filter: { _id: 81 }, update: { $set: { n: 81 } }, upsert: true } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { n: 80 } } } },
          { updateOne: { filter: { _id: 82 }, update: { $set: { n: 82 } }, upsert: true } },
        ]),
      (it) =>
        it.bulkWrite(
          [
            { insertOne: { document: { _id: 90, n: 90 } } },
            { insertOne: { document: { _id: 1, n: 91 } } },
            { updateOne: { filter: { _id: 90 }, update: { $set: { text: "d" } } } },
            { deleteOne: { filter: { _id: 6 } } },
            { deleteMany: { filter: { n: { $gt: 80 } } } },
          ],
          { ordered: false },
        ),
      (it) => it.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $nothing: { n: 80 } } } }]),
      (it) => it.deleteOne({ _id: 5 }),
      (it) => it.deleteOne({ $nothing: 1 }),
      (it) => it.deleteMany({ n: { $gt: 50 } }),
      (it) =>
        it.aggregate([{ $sort: { _id: 1 } }, { $group: { _id: null, ids: { $push: "$_id" } } }]).toArray(),
      (it) => it.aggregate([{ $nothing: 1 }]).toArray(),
      (it) => it.countDocuments(),
      (it) => it.countDocuments({ n: 404 }),
      (it) => it.countDocuments({}, { skip: 1, limit: 1 }),
    ];
    for (const [i, call] of calls.entries()) {
      const through = await outcomeOf(() => call(direct.db.collection<Row>("same")));
      const by = await outcomeOf(() => call(plain.db.collection<Row>("same")));
      assert.deepEqual(through, by, `call ${i}: ${call}`);
    }
    await direct.stop();
    await plain.stop();
  });
});

onEachTransport("a store that closes", (transport) => {
  it("answers the commands that run, and refuses later ones", async () => {
    const store = await startEmbeddedMongo({ dir: ":memory:" });
    const options = { serverSelectionTimeoutMS: 200, retryReads: false };
    const client = await connectTo(store.uri, transport, options);
    const rows = client.db("shop").collection<Row>("rows");
    await rows.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id })));
    const found = rows.aggregate(eachWithEach).toArray();
    // By then it runs.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.close();
    assert.equal((await found)[0]?.pairs, 10_000);
    await assert.rejects(rows.findOne({ _id: 0 }));
    await client.close();
  });
});

describe("a port whose store has ended", () => {
  it("still has the answers that came before, and refuses all else", async () => {
    const { port1, port2 } = new MessageChannel();
    const commands = new CommandPort(port1);
    const ask = () => commands.ask(messageOf({ ping: 1, $db: "admin" }, undefined, false));
    const asked = [ask(), ask()];
    let received = false;
    port2.once("message", (message: Uint8Array) => {
      // Each command is a frame; the reply to the first has no more than its number.
      const frame = Buffer.alloc(21);
      frame.writeInt32LE(21, 0);
      frame.writeInt32LE(Buffer.from(message).readInt32LE(4), 8);
      port2.postMessage(frame);
      received = true;
    });
    await until("it was asked", async () => received);
    commands.end();
    assert.deepEqual(await asked[0], Buffer.alloc(0));
    await assert.rejects(asked[1] ?? Promise.resolve(), StoreEnded);
    await assert.rejects(ask(), StoreEnded);
    port2.close();
  });
});
