/** A reader thread: runs reads on a connection of its own, each turn on a new snapshot. */
import { parentPort, workerData } from "node:worker_threads";
import { Cursors } from "../cursors.ts";
import { Deadline } from "../query/deadline.ts";
import { damaged, isDamage } from "../storage/damage.ts";
import { Store } from "../store.ts";
import { readMessage } from "../wire.ts";
import type { FromReader, OpenedCursor, ReaderData, ToReader } from "./messages.ts";
import { ReadJobs } from "./read-jobs.ts";
import { SnapshotGate } from "./snapshot-gate.ts";

const port = parentPort;
if (port === null) throw new Error("reader-worker.ts runs as a worker thread only");

const { dir, firstCursor, gate: shared, place } = workerData as ReaderData;
const gate = new SnapshotGate(shared);
let opened: OpenedCursor[] = [];
let closed: bigint[] = [];
const cursors = new Cursors(firstCursor, {
  opened: ({ id, namespace, idleLimit }) => opened.push({ id, namespace, idleLimit }),
  closed: (id) => closed.push(id),
});
const store = new Store({ dir, sync: "normal", readOnly: true, cursors });
const jobs = new ReadJobs(store, answer);
let scheduled = false;
let ended = false;

port.on("message", (message: ToReader) => {
  switch (message.kind) {
    case "run":
      accept(message.read, message.frame, message.left);
      break;
    case "stop":
      jobs.stop(message.read);
      break;
    case "close cursor":
      cursors.close(message.id);
      break;
    case "end":
      ended = true;
      port?.close();
      void store.close();
  }
});

function accept(read: number, bytes: Uint8Array, left: number): void {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = readMessage(frame, { id: 0 });
  if ("error" in message) throw message.error;
  jobs.add({ read, message, deadline: new Deadline(left) });
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  // Messages that arrive meanwhile are taken first.
  setImmediate(turn);
}

function turn(): void {
  scheduled = false;
  if (ended) return;
  gate.enter(place);
  try {
    store.snapshot(() => jobs.turn());
  } catch (error) {
    if (!isDamage(error)) throw error;
    tell({ kind: "damaged", what: damaged(store.database.file, error).what });
    return;
  } finally {
    gate.leave(place);
  }
  if (jobs.size > 0) schedule();
}

function answer(read: number, reply: Buffer): void {
  const frame = ownBytes(reply);
  tell({ kind: "done", read, frame, opened, closed }, [frame.buffer]);
  opened = [];
  closed = [];
}

/** Bytes that can be handed over: not a part of a buffer that others use. */
function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}

function tell(message: FromReader, handedOver: ArrayBuffer[] = []): void {
  port?.postMessage(message, handedOver);
}
