/** Sessions are only names here. They cost nothing until a retryable write is stored under one. */
import { randomUUID } from "node:crypto";
import { Binary } from "bson";
import { items, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { Context, Reply } from "./context.ts";

export function startSession(): Reply {
  const id = new Binary(Buffer.from(randomUUID().replaceAll("-", ""), "hex"), Binary.SUBTYPE_UUID);
  return { id: { id }, timeoutMinutes: 30 };
}

export const endSessions = (): Reply => ({});

/** No transaction is ever open, because the start of one is refused. */
export function endTransaction(): Reply {
  throw new StoreError(251, "Given transaction number does not match any in-progress transactions.");
}

export const refreshSessions = (): Reply => ({});

export function killCursors(context: Context): Reply {
  const { store, request } = context;
  const list = request.array("cursors");
  if (list === undefined)
    throw new StoreError(40414, "BSON field 'killCursors.cursors' is missing but a required field");
  const killed: bigint[] = [];
  const notFound: bigint[] = [];
  for (const item of items(list)) {
    if (item.type !== Type.long) throw new StoreError(14, "cursor ids must be of type long");
    const id = item.buf.readBigInt64LE(item.start);
    (store.cursors.close(id) ? killed : notFound).push(id);
  }
  return { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] };
}
