/** Replies with a first batch and, if there is more, a cursor. */
import { type Raw, Type } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import type { Results } from "../cursors.ts";
import { leaveToReader, pause, type Work } from "../query/deadline.ts";
import type { Context } from "./context.ts";

/** Bytes of documents in one reply. A single document may exceed it. */
const batchBytes = 16 * 1024 * 1024;

export interface CursorOptions {
  /** Close after the first batch, even if there is more. */
  readonly single?: boolean;
  readonly noTimeout?: boolean;
  /** Whether there are few documents more at most. */
  readonly short?: () => boolean;
}

interface Reading {
  readonly results: Results;
  pending: Raw | undefined;
}

function* following(results: Results): Work<Raw | undefined> {
  while (true) {
    const found = results.next();
    if (found !== pause) return found;
    yield;
  }
}

/** Writes up to `size` documents. True if there are more. */
export function* writeBatch(writer: Writer, name: string, reading: Reading, size: number): Work<boolean> {
  writer.name(Type.array, name);
  const batch = writer.open();
  const start = writer.at;
  let count = 0;
  let document = reading.pending ?? (size > 0 ? yield* following(reading.results) : undefined);
  reading.pending = undefined;
  while (document !== undefined && count < size) {
    const length = document.end - document.start;
    if (count > 0 && writer.at - start + length > batchBytes) break;
    writer.index(Type.object, count++);
    writer.copy(document.buf, document.start, document.end);
    document = count < size ? yield* following(reading.results) : undefined;
  }
  writer.close(batch);
  if (document === undefined && count >= size) document = yield* following(reading.results);
  reading.pending = document;
  reading.results.release();
  return document !== undefined;
}

/** The reply to `find` or `aggregate`. */
export function* cursorReply(
  context: Context,
  namespace: string,
  results: Results,
  size: number,
  options: CursorOptions,
): Work<Buffer> {
  const writer = new Writer(4096);
  const reply = writer.open();
  writer.name(Type.object, "cursor");
  const cursor = writer.open();
  const reading: Reading = { results, pending: undefined };
  const more = yield* writeBatch(writer, "firstBatch", reading, size);
  let id = 0n;
  if (more && !options.single) {
    // What is read from the cursor later may be much, so it is opened where that holds up no writes.
    if (options.short?.() !== true) leaveToReader();
    const made = context.store.cursors.add(
      namespace,
      results,
      context.now,
      options.noTimeout ?? false,
      context.deadline,
    );
    made.pending = reading.pending;
    id = made.id;
  }
  writer.long("id", id);
  writer.string("ns", namespace);
  writer.close(cursor);
  writer.double("ok", 1);
  writer.close(reply);
  return writer.take();
}

/** The reply where there is at most one document, so that no cursor is needed. */
export function closedCursor(namespace: string, only?: Raw): Buffer {
  const writer = new Writer((only === undefined ? 0 : only.end - only.start) + 160);
  const reply = writer.open();
  writer.name(Type.object, "cursor");
  const cursor = writer.open();
  writer.name(Type.array, "firstBatch");
  const batch = writer.open();
  if (only !== undefined) writer.raw("0", only);
  writer.close(batch);
  writer.long("id", 0n);
  writer.string("ns", namespace);
  writer.close(cursor);
  writer.double("ok", 1);
  writer.close(reply);
  return writer.take();
}
