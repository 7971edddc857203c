/** Commands about databases and collections. */
import { encode } from "../bson/make.ts";
import { fields, isEmptyDocument, Type, toJs, truthy } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { StoreError } from "../errors.ts";
import type { Work } from "../query/deadline.ts";
import { compileFilter } from "../query/match.ts";
import { parseFilter } from "../query/parse.ts";
import type { Collection } from "../storage/collection.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { cursorReply } from "./cursor-reply.ts";
import { modifyIndex, sizeOf } from "./indexes.ts";
import type { Request } from "./request.ts";

function existing(context: Context): Collection {
  const { store, request } = context;
  const name = request.collection();
  const found = store.find(request.db, name);
  if (found === undefined) throw new StoreError(26, `ns not found: ${request.db}.${name}`);
  return found;
}

const refusedOptions = [
  "capped",
  "timeseries",
  "viewOn",
  "pipeline",
  "validator",
  "changeStreamPreAndPostImages",
  "clusteredIndex",
  "encryptedFields",
  "expireAfterSeconds",
];

/** Accepts options of `create` without meaning here only with the value that requests nothing. */
function checkCreateOptions(request: Request): void {
  for (const option of ["size", "max"]) {
    if (request.get(option) !== undefined)
      throw new StoreError(
        72,
        "the 'capped' field needs to be true when either the 'size' or 'max' fields are present",
      );
  }
  for (const option of ["storageEngine", "indexOptionDefaults"]) {
    const value = request.document(option);
    if (value !== undefined && !isEmptyDocument(value))
      throw new StoreError(238, `collections with '${option}' are not supported by this store`);
  }
  if (!request.flag("autoIndexId", true)) throw new StoreError(72, "autoIndexId can't be false");
  if (request.flag("temp"))
    throw new StoreError(238, "temporary collections are not supported by this store");
  const idIndex = request.document("idIndex");
  const key = idIndex && new Map(fields(idIndex)).get("key");
  if (idIndex !== undefined && (key === undefined || JSON.stringify(toJs(key)) !== '{"_id":1}'))
    throw new StoreError(197, "The field 'key' for an _id index must be {_id: 1}");
}

export function create(context: Context): Reply {
  const { store, request } = context;
  const name = request.collection();
  for (const option of refusedOptions) {
    const value = request.get(option);
    if (value === undefined || (value.type === Type.bool && !truthy(value))) continue;
    throw new StoreError(238, `collections with '${option}' are not supported by this store`);
  }
  checkCreateOptions(request);
  checkCollation(request.get("collation"));
  if (store.find(request.db, name) !== undefined)
    throw new StoreError(48, `Collection ${request.db}.${name} already exists.`);
  store.catalogChanged = true;
  store.wrote = true;
  store.catalog.create(request.db, name);
  return {};
}

export function drop(context: Context): Reply {
  const { store, request } = context;
  const name = request.collection();
  const found = store.find(request.db, name);
  // Since 7.0, mongod answers ok for a missing collection.
  if (found === undefined) return {};
  const reply = { nIndexesWas: found.indexes.length + 1, ns: found.namespace };
  store.catalogChanged = true;
  store.wrote = true;
  store.catalog.drop(found);
  store.cursors.closeUnder(found.namespace);
  return reply;
}

export function dropDatabase(context: Context): Reply {
  const { store, request } = context;
  const gone = store.catalog.inDatabase(request.db);
  if (gone.length === 0) return {};
  store.catalogChanged = true;
  store.wrote = true;
  for (const collection of gone) store.catalog.drop(collection);
  store.cursors.closeUnder(`${request.db}.`);
  return { dropped: request.db };
}

export function renameCollection(context: Context): Reply {
  const { store, request } = context;
  const from = split(request.string("renameCollection"));
  const to = split(request.string("to"));
  const found = store.find(...from);
  if (found === undefined) throw new StoreError(26, `Source collection ${from.join(".")} does not exist`);
  const target = store.find(...to);
  if (target === found) throw new StoreError(20, "Can't rename a collection to itself");
  if (target !== undefined && !request.flag("dropTarget"))
    throw new StoreError(48, "target namespace exists");
  store.catalogChanged = true;
  store.wrote = true;
  if (target !== undefined) store.catalog.drop(target);
  store.cursors.closeUnder(found.namespace);
  store.catalog.rename(found, ...to);
  return {};
}

function split(namespace: string | undefined): [string, string] {
  const dot = namespace?.indexOf(".") ?? -1;
  if (namespace === undefined || dot <= 0)
    throw new StoreError(73, `Invalid namespace specified '${namespace}'`);
  return [namespace.slice(0, dot), namespace.slice(dot + 1)];
}

export function listCollections(context: Context): Reply {
  const { store, request } = context;
  const wanted = request.document("filter");
  const matches = wanted === undefined ? () => true : compileFilter(parseFilter(wanted));
  const nameOnly = request.flag("nameOnly");
  const all = store.catalog
    .inDatabase(request.db)
    .map((collection) => {
      const short = { name: collection.name, type: "collection" };
      if (nameOnly) return encode(short);
      return encode({
        ...short,
        options: toJs(collection.options),
        info: { readOnly: false, uuid: collection.uuid },
        idIndex: { v: 2, key: { _id: 1 }, name: "_id_" },
      });
    })
    .filter(matches);
  const results = { next: () => all.shift(), release: () => undefined };
  return cursorReply(
    context,
    `${request.db}.$cmd.listCollections`,
    results,
    sizeOf(request.document("cursor")),
    {},
  );
}

export function* listDatabases(context: Context): Work<Reply> {
  const { store, request } = context;
  const wanted = request.document("filter");
  const matches = wanted === undefined ? () => true : compileFilter(parseFilter(wanted));
  const nameOnly = request.flag("nameOnly");
  const writer = new Writer(1024);
  const mark = writer.open();
  let total = 0;
  const databases: unknown[] = [];
  for (const name of store.catalog.databases()) {
    const size = nameOnly ? 0 : (yield* totalOf(store.catalog.inDatabase(name))).bytes;
    const document = encode(nameOnly ? { name } : { name, sizeOnDisk: size, empty: false });
    if (!matches(document)) continue;
    total += size;
    databases.push(toJs(document));
  }
  writer.js("databases", databases);
  if (!nameOnly) {
    writer.js("totalSize", total);
    writer.js("totalSizeMb", Math.floor(total / 1048576));
  }
  writer.double("ok", 1);
  writer.close(mark);
  return writer.take();
}

/** Documents of several collections together. */
function* totalOf(collections: readonly Collection[]): Work<{ bytes: number; objects: number }> {
  const total = { bytes: 0, objects: 0 };
  for (const collection of collections) {
    total.bytes += yield* collection.sizing();
    total.objects += yield* collection.counting();
  }
  return total;
}

export function collMod(context: Context): Reply {
  const { request } = context;
  const collection = existing(context);
  const index = request.document("index");
  return index === undefined ? {} : modifyIndex(context, collection, index);
}

export function* collStats(context: Context): Work<Reply> {
  const { store, request } = context;
  const name = request.collection();
  const collection = store.find(request.db, name);
  if (collection === undefined)
    return {
      ns: `${request.db}.${name}`,
      size: 0,
      count: 0,
      storageSize: 0,
      nindexes: 0,
      totalIndexSize: 0,
      indexSizes: {},
    };
  return yield* statsOf(collection, scaleOf(request));
}

function scaleOf(request: Request): number {
  const scale = request.integer("scale") ?? 1;
  if (scale < 1)
    throw new StoreError(51024, `BSON field 'scale' value must be >= 1, actual value '${scale}'`);
  return scale;
}

/** The figures of one collection, for `collStats` and `$collStats`. */
export function* statsOf(collection: Collection, scale = 1): Work<Record<string, unknown>> {
  const bytes = yield* collection.sizing();
  const size = Math.floor(bytes / scale);
  const count = yield* collection.counting();
  return {
    ns: collection.namespace,
    size,
    count,
    ...(count > 0 ? { avgObjSize: Math.floor(bytes / count) } : {}),
    storageSize: size,
    totalSize: size,
    scaleFactor: scale,
    capped: false,
    nindexes: collection.indexes.length + 1,
    totalIndexSize: 0,
    indexSizes: Object.fromEntries([["_id_", 0], ...collection.indexes.map((index) => [index.name, 0])]),
  };
}

export function* dbStats(context: Context): Work<Reply> {
  const { store, request } = context;
  const collections = store.catalog.inDatabase(request.db);
  const scale = scaleOf(request);
  const { bytes, objects } = yield* totalOf(collections);
  const size = bytes / scale;
  return {
    db: request.db,
    collections: collections.length,
    views: 0,
    objects,
    avgObjSize: objects > 0 ? bytes / objects : 0,
    dataSize: size,
    storageSize: size,
    indexes: collections.reduce((sum, collection) => sum + collection.indexes.length + 1, 0),
    indexSize: 0,
    totalSize: size,
    scaleFactor: scale,
  };
}
