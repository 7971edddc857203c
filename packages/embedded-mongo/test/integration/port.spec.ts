/** A client in the process of the store sends its commands through a message port. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { MessagePort } from "node:worker_threads";
import { type Collection, MongoClient, MongoServerError } from "mongodb";
import { startEmbeddedMongo } from "../../src/index.ts";
import { commandPorts } from "../../src/port/command-port.ts";
import { driverOptions } from "../../src/port/driver.ts";
import { onEachTransport, type Started, startStore, until } from "../support/with-store.ts";

type Row = { _id: number; text?: string };

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

  it("carries commands: one message for all that are sent in one turn", async () => {
    assert.equal(await messagesDuring(() => rows.findOne({ _id: 1 })), 1);
    // Opens their connections.
    const many = () => Promise.all(Array.from({ length: 40 }, (_, _id) => rows.findOne({ _id })));
    await many();
    let found: unknown[] = [];
    const messages = await messagesDuring(async () => {
      found = (await many()).map((it) => it?._id);
    });
    assert.deepEqual(found, [...Array(40).keys()]);
    assert.ok(messages >= 1 && messages < 10, `${messages} messages`);
  });

  it("is not used by clients without the options, monitored commands and commands without a reply", async () => {
    const other = await MongoClient.connect(store.uri);
    assert.equal(await messagesDuring(() => other.db("shop").collection<Row>("rows").findOne({ _id: 1 })), 0);
    await other.close();
    const monitored = await MongoClient.connect(store.uri, { ...store.options, monitorCommands: true });
    assert.equal(await messagesDuring(() => monitored.db("shop").command({ ping: 1 })), 0);
    await monitored.close();
    const silent = store.db.collection<Row>("silent", { writeConcern: { w: 0 } });
    assert.equal(await messagesDuring(() => silent.insertOne({ _id: 1 })), 0);
    await until("it is stored", async () => (await store.db.collection("silent").countDocuments()) === 1);
    assert.deepEqual(driverOptions("mongodb://elsewhere/"), {});
  });

  it("brings large documents there and back, and errors", async () => {
    const text = "ä".repeat(7_000_000);
    await rows.insertOne({ _id: -1, text });
    assert.equal((await rows.findOne({ _id: -1 }))?.text, text);
    await assert.rejects(
      rows.insertOne({ _id: -1 }),
      (error: unknown) => error instanceof MongoServerError && error.code === 11000,
    );
  });

  it("takes no message that is too large: its connection ends, and no other", async () => {
    const other = await MongoClient.connect(store.uri, { ...store.options, maxPoolSize: 1 });
    const { connectionId } = await other.db("shop").command({ hello: 1 });
    const closed = once(other, "connectionClosed");
    const frame = Buffer.alloc(48_000_001);
    frame.writeInt32LE(frame.length);
    void commandPorts.get(store.uri)?.ask(connectionId, -1, [frame]);
    await closed;
    assert.equal((await other.db("shop").collection<Row>("rows").findOne({ _id: 3 }))?._id, 3);
    assert.equal((await rows.findOne({ _id: 3 }))?._id, 3);
    await other.close();
  });

  it("fails what waits when its connection is lost", async () => {
    const other = await MongoClient.connect(store.uri, { ...store.options, retryReads: false });
    const slow = other.db("shop").collection<Row>("rows").aggregate(eachWithEach).toArray();
    const failed = assert.rejects(slow, /clos/);
    await store.db.command({ ping: 1 });
    await other.close(true);
    await failed;
    assert.equal((await rows.findOne({ _id: 3 }))?._id, 3);
  });
});

onEachTransport("a store that closes", (transport) => {
  it("answers the commands that run, and refuses later ones", async () => {
    const store = await startEmbeddedMongo({ dir: ":memory:" });
    const options = {
      ...(transport === "socket" ? {} : driverOptions(store.uri)),
      serverSelectionTimeoutMS: 200,
      retryReads: false,
    };
    const client = await MongoClient.connect(store.uri, options);
    const rows = client.db("shop").collection<Row>("rows");
    await rows.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id })));
    const found = rows.aggregate(eachWithEach).toArray();
    // By then it runs.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.close();
    assert.equal((await found)[0]?.pairs, 10_000);
    await assert.rejects(rows.findOne({ _id: 0 }));
    assert.deepEqual(driverOptions(store.uri), {});
    await client.close();
  });
});
