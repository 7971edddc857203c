/** How actors are stored: one document each, in a collection per actor type. */
import type { IndexDescription } from "mongodb";
import { type Connection, Schema, type SchemaDefinition } from "mongoose";
import type { z } from "zod";
import type { Documents } from "../../../mongo/documents.ts";
import { defineModel, type ModelDefinition } from "../../../mongo/model.ts";
import type { ActorDocument } from "./actor-host.types.ts";
import { KEEP_ARCHIVED_S } from "./inbox.ts";

const { Mixed } = Schema.Types;
const FIELDS: SchemaDefinition = {
  _id: { type: String, required: true },
  version: { type: Number, required: true },
  state: { type: Mixed, required: true },
  inbox: { type: Mixed, required: true },
  inboxUntil: { type: Number },
  outbox: { type: [Mixed], required: true },
  timers: { type: [Mixed], required: true },
  sent: { type: Number, required: true },
  commit: { type: String, required: true },
};
/** One for all actors, so that a connection may have a model of it that is asked for again. */
const SCHEMA = new Schema(FIELDS, { strict: "throw", minimize: false, versionKey: false, autoIndex: false });

/** An actor's definition, or what its contract says of it. */
interface StoredActor<S extends object> {
  readonly collection: string;
  readonly state?: z.ZodType<S>;
}

/**
 * The model of an actor type's documents. The envelope's fields are fixed. The actor's own zod schema validates the
 * state, so mongoose stores it unchanged.
 */
export function actorModel<S extends object>({
  collection,
}: StoredActor<S>): ModelDefinition<ActorDocument<S>> {
  return defineModel(collection, SCHEMA);
}

/** Fixed names, so that a migration can drop indexes that another migration created. */
const INDEXES = [
  { key: { "outbox.at": 1 }, name: "outbox_at", sparse: true },
  { key: { "timers.due": 1 }, name: "timers_due", sparse: true },
] as const;

/**
 * For the `up` of a migration: indexes for the sweep and the timers. They are sparse, so an idle actor is in neither.
 */
export async function createActorIndexes(db: Connection, collection: string): Promise<void> {
  await createIndexed(db, collection, INDEXES);
}

/** For the `down` of a migration. */
export async function dropActorIndexes(db: Connection, collection: string): Promise<void> {
  await dropIndexes(db, collection, INDEXES);
}

/** Name of the archive collection of an actor collection. See inbox-archive.ts. */
export const inboxArchiveOf = (collection: string): string => `${collection}_inbox`;

const ARCHIVE_INDEXES = [
  { key: { actor: 1, until: 1 }, name: "actor_until" },
  { key: { archivedAt: 1 }, name: "expiry", expireAfterSeconds: KEEP_ARCHIVED_S },
] as const;

/** For the `up` of a migration. */
export async function createInboxArchive(db: Connection, collection: string): Promise<void> {
  await createIndexed(db, inboxArchiveOf(collection), ARCHIVE_INDEXES);
}

/** For the `down` of a migration. */
export async function dropInboxArchive(db: Connection, collection: string): Promise<void> {
  await dropIndexes(db, inboxArchiveOf(collection), ARCHIVE_INDEXES);
}

/**
 * The part of a collection that the runtime uses. The driver's collection has it, and so has the simulated one of
 * tests.
 */
export type ActorCollection<S extends object = object> = Documents<ActorDocument<S>>;

type Indexes = readonly Readonly<IndexDescription & { name: string }>[];

async function createIndexed(db: Connection, collection: string, indexes: Indexes): Promise<void> {
  await db.createCollection(collection).catch(ignoreExisting);
  await db.collection(collection).createIndexes(indexes.map((it) => ({ ...it })));
}

async function dropIndexes(db: Connection, collection: string, indexes: Indexes): Promise<void> {
  const found = await db.collection(collection).indexes();
  for (const { name } of indexes)
    if (found.some((it) => it.name === name)) await db.collection(collection).dropIndex(name);
}

const NAMESPACE_EXISTS = 48;

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === NAMESPACE_EXISTS)) throw error;
}
