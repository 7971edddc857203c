import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { serialize } from "bson";
import fc from "fast-check";
import { type Started, startStore } from "../support/with-store.ts";

function message(body: Uint8Array, flags = 0, extra: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(21);
  head.writeInt32LE(21 + body.length + extra.length, 0);
  head.writeInt32LE(7, 4);
  head.writeInt32LE(2013, 12);
  head.writeUInt32LE(flags, 16);
  return Buffer.concat([head, body, extra]);
}

const commands = [
  {
    find: "c",
    filter: { a: { $in: [1, "x", /a/] }, $or: [{ b: 1 }, { c: { $elemMatch: { d: 1 } } }] },
    sort: { a: 1 },
    $db: "d",
  },
  { insert: "c", documents: [{ _id: 1, a: "text", b: [1, 2.5, null] }], $db: "d" },
  {
    update: "c",
    updates: [{ q: { _id: 1 }, u: { $set: { "a.b": 1 }, $push: { l: { $each: [1] } } }, upsert: true }],
    $db: "d",
  },
  {
    aggregate: "c",
    pipeline: [{ $match: { a: 1 } }, { $group: { _id: "$a", n: { $sum: 1 } } }],
    cursor: {},
    $db: "d",
  },
  { createIndexes: "c", indexes: [{ key: { a: 1 }, name: "a_1" }], $db: "d" },
  { hello: 1, $db: "admin" },
].map((command) => message(serialize(command)));

describe("hostile bytes", () => {
  let store: Started;
  before(async () => {
    store = await startStore();
  });
  after(() => store.stop());

  async function open(): Promise<Socket> {
    const path = decodeURIComponent(/^mongodb:\/\/([^/]+)\//.exec(store.uri)?.[1] ?? "");
    const socket = connect(path);
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
    return socket;
  }

  /** Sends bytes and waits for an answer or the end of the connection. */
  async function send(bytes: Buffer): Promise<"answered" | "closed"> {
    const socket = await open();
    const outcome = new Promise<"answered" | "closed">((resolve) => {
      socket.once("data", () => resolve("answered"));
      socket.once("close", () => resolve("closed"));
    });
    socket.end(bytes);
    const result = await outcome;
    socket.destroy();
    return result;
  }

  it("never stop the server", async function () {
    this.timeout(30_000);
    const change = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...commands), change, fc.nat(3), async (command, changes, cut) => {
        const bytes = Buffer.from(command);
        for (const [at, byte] of changes) bytes[4 + (at % (bytes.length - 4))] = byte;
        await send(cut === 0 ? bytes.subarray(0, Math.max(1, bytes.length - 9)) : bytes);
      }),
      { numRuns: 400 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        await send(Buffer.from(bytes));
      }),
      { numRuns: 100 },
    );
    assert.equal((await store.db.command({ ping: 1 })).ok, 1);
  });

  it("with lengths out of bounds close the connection, bad content gets an error", async () => {
    for (const length of [0, -1, 15, 48_000_001, 0x7fffffff]) {
      const head = Buffer.alloc(16);
      head.writeInt32LE(length, 0);
      head.writeInt32LE(2013, 12);
      assert.equal(await send(head), "closed", String(length));
    }
    const bad = Buffer.from(serialize({ ping: 1, $db: "d", text: "hello" }));
    bad.writeInt32LE(0x00ffffff, bad.indexOf("hello") - 4);
    assert.equal(await send(message(bad)), "answered");
    const deep = Array.from({ length: 5000 }).reduce<Buffer>(
      (inner) => {
        const out = Buffer.alloc(inner.length + 8);
        out.writeInt32LE(out.length, 0);
        out[4] = 3;
        out[5] = 97;
        inner.copy(out, 7);
        return out;
      },
      Buffer.from([5, 0, 0, 0, 0]),
    );
    assert.equal(await send(message(deep)), "answered");
    assert.equal((await store.db.command({ ping: 1 })).ok, 1);
  });

  it("that want no answer get none", async () => {
    const socket = await open();
    const replies: Buffer[] = [];
    socket.on("data", (chunk) => replies.push(chunk));
    socket.write(message(serialize({ insert: "quiet", documents: [{ _id: 1 }], $db: "d" }), 2));
    socket.write(commands[5] as Buffer);
    await once(socket, "data");
    socket.destroy();
    assert.equal(Buffer.concat(replies).readInt32LE(0), Buffer.concat(replies).length);
    assert.equal(await store.client.db("d").collection("quiet").countDocuments(), 1);
  });
});
