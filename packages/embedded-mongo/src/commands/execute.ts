/** Runs one command: checks, retryable writes, errors as replies. */
import type { Document } from "bson";
import { getField, type Raw, Type } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { type CursorElsewhere, ReadsElsewhere } from "../cursors.ts";
import { codeName, StoreError } from "../errors.ts";
import { Deadline, HandOver, Leaving, takeTurn, type Work } from "../query/deadline.ts";
import { DamagedFile, damaged, isDamage } from "../storage/damage.ts";
import type { Store } from "../store.ts";
import { checkAuthenticated } from "./authenticate.ts";
import { checkSession, checkWriteConcern } from "./checks.ts";
import type { Command, Reply } from "./context.ts";
import { checkApiVersion, checkArguments } from "./fields.ts";
import { commands } from "./registry.ts";
import type { Request } from "./request.ts";

/** A running command. It is resumed repeatedly, between time slices of others, until it has a reply. */
export interface Underway {
  /** True for one that must continue when its client is gone. */
  readonly writes: boolean;
  /** Continues for this many milliseconds. Returns the reply once there is one, or leaves the rest to a reader thread. */
  resume(ms: number): Buffer | LongRead | undefined;
  /** Stops it. */
  stop(): void;
}

/** A read that a reader thread is to run from the start. */
export interface LongRead {
  readonly deadline: Deadline;
  /** The cursor that it reads from, where it goes on with one. */
  readonly cursor: CursorElsewhere | undefined;
}

export interface Turn {
  /** The command's first time slice in milliseconds. */
  readonly ms: number;
  /** Milliseconds after which a long read is left to a reader thread. 0 leaves it all reads. Undefined where there is none. */
  readonly readMs?: number;
  /** Given where the command's time runs already. */
  readonly deadline?: Deadline;
}

/** The command runs to its end. */
const noLimit: Turn = { ms: Number.POSITIVE_INFINITY };

/** Executes a command and returns the BSON of its reply. Never throws for a client's error. */
export function execute(store: Store, request: Request, turn: Turn = noLimit): Buffer | Underway | LongRead {
  try {
    return start(store, request, turn);
  } catch (error) {
    // Then nothing of the group may be acknowledged.
    if (isDamage(error)) throw damaged(store.database.file, error);
    return errorReply(error);
  }
}

function start(store: Store, request: Request, turn: Turn): Buffer | Underway | LongRead {
  const command = commands.get(request.name);
  if (command === undefined) throw new StoreError(59, `no such command: '${request.name}'`);
  if (request.db === "") throw new StoreError(40571, "OP_MSG requests require a $db argument");
  checkAuthenticated(store, request);
  checkArguments(request, command.fields);
  checkApiVersion(request);
  checkSession(request);
  if (command.writes) checkWriteConcern(request);
  store.opcounters.set(request.name, (store.opcounters.get(request.name) ?? 0) + 1);
  const deadline = turn.deadline ?? new Deadline(request.name === "getMore" ? 0 : request.count("maxTimeMS"));
  const leaves = turn.readMs !== undefined && command.reads === true;
  if (leaves && turn.readMs <= 0) return { deadline, cursor: undefined };
  const steps = command.writes
    ? runWrite(store, request, command, deadline)
    : runRead(store, request, command, deadline);
  const step = (): Buffer | undefined => {
    const next = steps.next();
    return next.done ? next.value : undefined;
  };
  const stop = () => giveUp(steps);
  const leaving = leaves ? new Leaving(turn.readMs) : undefined;
  const advance = (ms: number): Buffer | LongRead | undefined => {
    try {
      const reply = takeTurn(ms, deadline, step, leaving);
      if (reply !== undefined || leaving?.isDue !== true) return reply;
      stop();
      return { deadline, cursor: undefined };
    } catch (error) {
      if (!(error instanceof HandOver)) throw error;
      return { deadline, cursor: error instanceof ReadsElsewhere ? error.cursor : undefined };
    }
  };
  const first = advance(turn.ms);
  if (first !== undefined) return first;
  return {
    writes: command.writes === true,
    resume: (ms) => {
      try {
        return advance(ms);
      } catch (error) {
        if (isDamage(error)) throw damaged(store.database.file, error);
        return errorReply(error);
      }
    },
    stop,
  };
}

/** Ends work as at a return, so that what it holds is let go. */
function giveUp(work: Generator<void, unknown>): void {
  work.return(undefined);
}

function* runRead(store: Store, request: Request, command: Command, deadline: Deadline): Work<Buffer> {
  const reply = command.run({ store, request, now: store.clock(), deadline, retried: false });
  return finish(isWork(reply) ? yield* reply : reply);
}

/** Every step is atomic. The last one also stores the reply for repeats. */
function* runWrite(store: Store, request: Request, command: Command, deadline: Deadline): Work<Buffer> {
  const retry = command.retryable ? retryOf(request) : undefined;
  if (retry !== undefined) {
    // The same session's previous write may still run, and a repeat must wait for it.
    while (store.busySessions.has(retry.key)) yield;
    const earlier = store.retries.earlier(retry.session, retry.number);
    if (earlier !== undefined) return Buffer.from(earlier.bytes());
    store.busySessions.add(retry.key);
  }
  let work: Work<Reply> | undefined;
  try {
    let wrote = false;
    const step = (): Buffer | undefined => {
      const before = store.wrote;
      store.wrote = wrote;
      work ??= workOf(
        command.run({ store, request, now: store.clock(), deadline, retried: retry !== undefined }),
      );
      try {
        const next = work.next();
        const reply = next.done ? finish(next.value) : undefined;
        if (reply !== undefined && retry !== undefined && store.wrote)
          store.retries.remember(retry.session, retry.number, reply, store.clock());
        wrote = store.wrote;
        return reply;
      } finally {
        // The writes of others in the group must be flushed in any case.
        store.wrote ||= before;
      }
    };
    while (true) {
      const reply = store.atomically(step);
      if (reply !== undefined) return reply;
      yield;
    }
  } finally {
    if (work !== undefined) giveUp(work);
    if (retry !== undefined) store.busySessions.delete(retry.key);
  }
}

function isWork(reply: Reply | Work<Reply>): reply is Work<Reply> {
  return !Buffer.isBuffer(reply) && typeof reply.next === "function";
}

/** Turns a finished reply into work that ends at once. */
const workOf = (reply: Reply | Work<Reply>): Work<Reply> => (isWork(reply) ? reply : done(reply));

// biome-ignore lint/correctness/useYield: it has no step left
function* done(reply: Reply): Work<Reply> {
  return reply;
}

const idField = Buffer.from("id");

function retryOf(request: Request): { session: Raw; key: string; number: number } | undefined {
  const number = request.get("txnNumber");
  if (number === undefined) return undefined;
  const session = request.document("lsid");
  const id = session && getField(session, idField);
  if (id?.type !== Type.binary)
    throw new StoreError(72, "Transaction number requires a session ID to also be specified");
  if (number.type !== Type.long && number.type !== Type.int)
    throw new StoreError(14, "txnNumber must be of type long");
  return { session: id, key: id.bytes().toString("latin1"), number: request.integer("txnNumber") ?? 0 };
}

function finish(reply: Reply): Buffer {
  if (Buffer.isBuffer(reply)) return reply;
  const writer = new Writer(256);
  const mark = writer.open();
  for (const [name, value] of Object.entries(reply)) writer.js(name, value);
  writer.double("ok", 1);
  writer.close(mark);
  return writer.take();
}

/** The reply to a failed command. Errors that are not a client's are internal, with code 1. */
export function errorReply(error: unknown): Buffer {
  const writer = new Writer(256);
  const mark = writer.open();
  writer.double("ok", 0);
  const known = asStoreError(error);
  writer.string("errmsg", known.message);
  writer.js("code", known.code);
  writer.string("codeName", codeName(known.code));
  for (const [name, value] of Object.entries((known.extra ?? {}) as Document)) writer.js(name, value);
  writer.close(mark);
  return writer.take();
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof DamagedFile) return new StoreError(91, error.message);
  if (error instanceof Error && "errcode" in error) {
    if (error.errcode === 13) return new StoreError(14031, "the disk is full");
    return new StoreError(1, `storage failed: ${error.message}`);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError(1, `internal error: ${message}`);
}
