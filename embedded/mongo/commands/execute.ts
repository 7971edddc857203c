/** Runs one command: checks, retryable writes, errors as replies. */
import type { Document } from "bson";
import { getField, type Raw, Type } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { codeName, StoreError } from "../errors.ts";
import { DamagedFile, damaged, isDamage } from "../storage/damage.ts";
import type { Store } from "../store.ts";
import { checkAuthenticated } from "./authenticate.ts";
import { checkSession, checkWriteConcern } from "./checks.ts";
import type { Command, Reply } from "./context.ts";
import { checkApiVersion, checkArguments } from "./fields.ts";
import { commands } from "./registry.ts";
import type { Request } from "./request.ts";

/** Executes a command and returns the BSON of its reply; never throws for what a client did. */
export function execute(store: Store, request: Request): Buffer {
  const command = commands.get(request.name);
  try {
    if (command === undefined) throw new StoreError(59, `no such command: '${request.name}'`);
    if (request.db === "") throw new StoreError(40571, "OP_MSG requests require a $db argument");
    checkAuthenticated(store, request);
    checkArguments(request, command.fields);
    checkApiVersion(request);
    checkSession(request);
    store.opcounters.set(request.name, (store.opcounters.get(request.name) ?? 0) + 1);
    return command.writes
      ? store.atomically(() => runWrite(store, request, command))
      : finish(runPlain(store, request, command));
  } catch (error) {
    // Nothing of the group may be acknowledged then.
    if (isDamage(error)) throw damaged(store.database.file, error);
    return errorReply(error);
  }
}

function runPlain(store: Store, request: Request, command: Command): Reply {
  return command.run({ store, request, now: store.clock() });
}

function runWrite(store: Store, request: Request, command: Command): Buffer {
  checkWriteConcern(request);
  const retry = command.retryable ? retryOf(request) : undefined;
  if (retry === undefined) return finish(runPlain(store, request, command));
  const earlier = store.retries.earlier(retry.session, retry.number);
  if (earlier !== undefined) return Buffer.from(earlier.bytes());
  const wroteBefore = store.wrote;
  store.wrote = false;
  const reply = finish(runPlain(store, request, command));
  if (store.wrote) store.retries.remember(retry.session, retry.number, reply, store.clock());
  store.wrote ||= wroteBefore;
  return reply;
}

const idField = Buffer.from("id");

function retryOf(request: Request): { session: Raw; number: number } | undefined {
  const number = request.get("txnNumber");
  if (number === undefined) return undefined;
  const session = request.document("lsid");
  const id = session && getField(session, idField);
  if (id?.type !== Type.binary)
    throw new StoreError(72, "Transaction number requires a session ID to also be specified");
  if (number.type !== Type.long && number.type !== Type.int)
    throw new StoreError(14, "txnNumber must be of type long");
  return { session: id, number: request.integer("txnNumber") ?? 0 };
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

/** What a failed command answers. Errors that are not a client's are internal, and told apart by code 1. */
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
