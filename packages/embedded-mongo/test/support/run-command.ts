/** Runs commands on a store without a socket. */
import assert from "node:assert/strict";
import { type Document, deserialize } from "bson";
import { encode } from "../../src/bson/make.ts";
import { fields } from "../../src/bson/raw.ts";
import { execute, type LongRead, type Underway } from "../../src/commands/execute.ts";
import { Request } from "../../src/commands/request.ts";
import { Store } from "../../src/store.ts";

export function memoryStore(clock?: () => number): Store {
  return new Store({ dir: ":memory:", sync: "normal", ...(clock ? { clock } : {}) });
}

function requestOf(document: Document, db = "test"): Request {
  const args = new Map(fields(encode({ $db: db, ...document })));
  args.delete("$db");
  const [name = ""] = Object.keys(document);
  return new Request(name, args, new Map(), { id: 1 }, db);
}

/** The reply to a command, whether it succeeded or not. */
export function command(store: Store, document: Document, db?: string): Document {
  const reply = execute(store, requestOf(document, db));
  // Without a time slice, a command runs to its end.
  assert.ok(Buffer.isBuffer(reply));
  return deserialize(reply);
}

/**
 * A command that is given short turns, one for each call of `turn`.
 * @param ms default: a turn that is over when it begins, in which a write does one step, and a read none
 */
export function slowly(
  store: Store,
  document: Document,
  ms = -1,
): {
  turn(): Document | undefined;
  stop(): void;
} {
  let begun: Buffer | Underway | undefined;
  return {
    turn() {
      let reply: Buffer | undefined;
      if (begun === undefined) {
        const started = execute(store, requestOf(document), { ms });
        assert.ok(Buffer.isBuffer(started) || "resume" in started, "there is no reader thread");
        begun = started;
        if (Buffer.isBuffer(begun)) reply = begun;
      } else if (!Buffer.isBuffer(begun)) {
        const next = begun.resume(ms);
        assert.ok(next === undefined || Buffer.isBuffer(next), "there is no reader thread");
        reply = next;
      }
      return reply && deserialize(reply);
    },
    stop() {
      if (begun !== undefined && !Buffer.isBuffer(begun)) begun.stop();
    },
  };
}

/** Whether a command that is given the shortest turns is left to a reader thread in the end. */
export function isLeft(store: Store, document: Document, ms: number): boolean {
  let reply: Buffer | Underway | LongRead = execute(store, requestOf(document), { ms, readMs: ms });
  while (!Buffer.isBuffer(reply) && "resume" in reply) reply = reply.resume(ms) ?? reply;
  return !Buffer.isBuffer(reply);
}

/** The first batch of a find or aggregate. Throws the store's error. */
export function rows(store: Store, document: Document): Document[] {
  return succeeded(command(store, document)).cursor.firstBatch as Document[];
}

/** The documents of a find, batch after batch. */
export function allRows(store: Store, find: Document): Document[] {
  let { cursor } = succeeded(command(store, find));
  const found = [...(cursor.firstBatch as Document[])];
  while (Number(cursor.id) !== 0) {
    const more = { getMore: cursor.id, collection: find.find, batchSize: find.batchSize };
    ({ cursor } = succeeded(command(store, more)));
    found.push(...(cursor.nextBatch as Document[]));
  }
  return found;
}

function succeeded(reply: Document): Document {
  if (reply.ok !== 1) throw new Error(`${reply.code}: ${reply.errmsg}`);
  return reply;
}
