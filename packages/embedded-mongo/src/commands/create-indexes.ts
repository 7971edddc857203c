/** `createIndexes`: checks what is asked for, and builds it in as many turns as that takes. */
import { items, numberOf, stringValue, Type } from "../bson/raw.ts";
import { badValue, StoreError } from "../errors.ts";
import type { Work } from "../query/deadline.ts";
import type { Collection } from "../storage/collection.ts";
import { isDamage } from "../storage/damage.ts";
import type { Index } from "../storage/index.ts";
import type { Store } from "../store.ts";
import type { Context, Reply } from "./context.ts";
import { isNew, normalize } from "./index-spec.ts";
import type { Request } from "./request.ts";

const mostIndexes = 64;

export function* createIndexes(context: Context): Work<Reply> {
  const { store, request } = context;
  const name = request.collection();
  const list = request.array("indexes");
  if (list === undefined)
    throw new StoreError(40414, "BSON field 'createIndexes.indexes' is missing but a required field");
  const specs = items(list).map(normalize);
  if (specs.length === 0) throw badValue("Must specify at least one index to create");
  checkQuorum(request);
  while (isBuilding(store, request.db, name)) yield;
  const existed = store.find(request.db, name) !== undefined;
  const collection = store.ensure(request.db, name);
  const before = collection.indexes.length + 1;
  dropAbandoned(store, collection);
  const begun: number[] = [];
  try {
    for (const spec of specs) {
      const all = collection.allIndexes;
      if (!isNew(all, spec)) continue;
      if (all.length + 1 >= mostIndexes)
        throw new StoreError(67, `add index fails, too many indexes for ${collection.namespace}`);
      store.catalogChanged = true;
      begun.push(store.catalog.beginIndex(collection, spec).id);
    }
    if (begun.length > 0) yield* build(store, collection.id, begun);
  } finally {
    for (const id of begun) store.catalog.builds.stop(id);
  }
  return {
    numIndexesBefore: before,
    numIndexesAfter: before + begun.length,
    createdCollectionAutomatically: !existed,
    ...(begun.length === 0 ? { note: "all indexes already exist" } : {}),
  };
}

function checkQuorum(request: Request): void {
  const quorum = request.get("commitQuorum");
  if (quorum === undefined || (quorum.isNumber() && numberOf(quorum) <= 1)) return;
  if (quorum.type === Type.string && ["majority", "votingMembers"].includes(stringValue(quorum))) return;
  throw new StoreError(100, "Commit quorum cannot be satisfied with the current replica set configuration");
}

/** Whether another command is building indexes of the collection: it is waited for, as it may build the same ones. */
const isBuilding = (store: Store, db: string, name: string): boolean =>
  store.find(db, name)?.building.some((index) => store.catalog.builds.of(index.id)) ?? false;

/** What a command that failed with its whole group has left behind. */
function dropAbandoned(store: Store, collection: Collection): void {
  if (collection.building.length === 0) return;
  store.catalogChanged = true;
  for (const index of [...collection.building]) store.catalog.dropIndex(collection, index);
}

/** Builds indexes together: all of them, or none. */
function* build(store: Store, collection: number, begun: readonly number[]): Work<void> {
  for (let first = true; ; first = false) {
    store.wrote = true;
    try {
      if (buildMore(store, collection, begun)) return;
    } catch (error) {
      // A first turn that fails is undone as a whole.
      if (first || isDamage(error)) throw error;
      giveUp(store, collection, begun);
      // That it has been given up must stay, so the turn must not fail.
      yield;
      throw error;
    }
    yield;
  }
}

/** One turn; true when all documents are in. */
function buildMore(store: Store, id: number, begun: readonly number[]): boolean {
  // Looked up each time: what is undone makes the catalogue anew, and others may drop the collection or an index.
  const collection = store.catalog.byId(id);
  const indexes = unfinished(collection, begun);
  if (collection === undefined || indexes.length < begun.length)
    throw new StoreError(276, "Index build failed: the collection or index was dropped meanwhile");
  if (!indexes.every((index) => collection.build(index))) return false;
  store.catalogChanged = true;
  for (const index of indexes) store.catalog.finishIndex(collection, index);
  return true;
}

function giveUp(store: Store, id: number, begun: readonly number[]): void {
  const collection = store.catalog.byId(id);
  if (collection === undefined) return;
  store.catalogChanged = true;
  for (const index of unfinished(collection, begun)) store.catalog.dropIndex(collection, index);
}

const unfinished = (collection: Collection | undefined, begun: readonly number[]): Index[] =>
  collection?.building.filter((index) => begun.includes(index.id)) ?? [];
