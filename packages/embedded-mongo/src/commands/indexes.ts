/** `listIndexes`, `dropIndexes`, and TTL changes through `collMod`. */
import { encode } from "../bson/make.ts";
import { fields, items, numberOf, type Raw, rawDocument, stringValue, Type, toJs } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { badValue, StoreError } from "../errors.ts";
import type { Collection } from "../storage/collection.ts";
import type { Index } from "../storage/index.ts";
import type { Context, Reply } from "./context.ts";
import { cursorReply } from "./cursor-reply.ts";
import { checkTtl, pattern } from "./index-spec.ts";

const idSpec = encode({ v: 2, key: { _id: 1 }, name: "_id_" });

export function listIndexes(context: Context): Reply {
  const { store, request } = context;
  const name = request.collection();
  const collection = store.find(request.db, name);
  if (collection === undefined) throw new StoreError(26, `ns does not exist: ${request.db}.${name}`);
  const specs = [idSpec, ...collection.indexes.map((index) => index.spec)];
  const results = { next: () => specs.shift(), release: () => undefined };
  const size = sizeOf(request.document("cursor"));
  return cursorReply(context, `${request.db}.${name}`, results, size, {});
}

/** `cursor: {batchSize}`. Default: 101. */
export function sizeOf(cursor: Raw | undefined): number {
  const size = cursor && new Map(fields(cursor)).get("batchSize");
  if (size === undefined) return 101;
  if (!size.isNumber() || numberOf(size) < 0) throw badValue("cursor.batchSize must be a number >= 0");
  return Math.trunc(numberOf(size));
}

export function dropIndexes(context: Context): Reply {
  const { store, request } = context;
  const name = request.collection();
  const collection = store.find(request.db, name);
  if (collection === undefined) throw new StoreError(26, `ns not found ${request.db}.${name}`);
  const before = collection.indexes.length + 1;
  const wanted = request.get("index");
  if (wanted === undefined)
    throw new StoreError(40414, "BSON field 'dropIndexes.index' is missing but a required field");
  store.catalogChanged = true;
  store.wrote = true;
  const gone =
    wanted.type === Type.array
      ? items(wanted).flatMap((one) => named(collection, one))
      : named(collection, wanted);
  for (const index of gone) store.catalog.dropIndex(collection, index);
  return {
    nIndexesWas: before,
    ...(wanted.type === Type.string && stringValue(wanted) === "*"
      ? { msg: "non-_id indexes dropped for collection" }
      : {}),
  };
}

function named(collection: Collection, wanted: Raw): readonly Index[] {
  const all = collection.allIndexes;
  if (wanted.type === Type.string) {
    const name = stringValue(wanted);
    if (name === "*") return all;
    if (name === "_id_") throw new StoreError(72, "cannot drop _id index");
    const found = all.find((index) => index.name === name);
    if (found === undefined) throw new StoreError(27, `index not found with name [${name}]`);
    return [found];
  }
  if (wanted.type !== Type.object) throw new StoreError(14, "index must be a string, an array or an object");
  const found = all.find((index) => pattern(index.key) === pattern(wanted));
  if (found === undefined)
    throw new StoreError(27, `can't find index with key: ${JSON.stringify(toJs(wanted))}`);
  return [found];
}

/** `collMod: …, index: {name | keyPattern, expireAfterSeconds | hidden}`. */
export function modifyIndex(context: Context, collection: Collection, change: Raw): Reply {
  const { store } = context;
  const options = new Map(fields(change));
  const target = options.get("name") ?? options.get("keyPattern");
  if (target === undefined) throw new StoreError(72, "Must specify either index name or key pattern.");
  const index = named(collection, target)[0] as Index;
  const writer = new Writer(256);
  const mark = writer.open();
  const changes = new Map<string, Raw>();
  for (const [option, value] of options) {
    if (option === "name" || option === "keyPattern") continue;
    if (option !== "expireAfterSeconds" && option !== "hidden")
      throw new StoreError(72, `collMod of an index's '${option}' is not supported by this store`);
    if (option === "expireAfterSeconds") checkTtl(value, fields(index.key).length);
    changes.set(option, value);
  }
  const old: Record<string, unknown> = {};
  for (const [option, value] of fields(index.spec)) {
    const changed = changes.get(option);
    if (changed !== undefined) old[`${option}_old`] = toJs(value);
    writer.raw(option, changed ?? value);
  }
  for (const [option, value] of changes) {
    old[`${option}_new`] = toJs(value);
    if (!new Map(fields(index.spec)).has(option)) writer.raw(option, value);
  }
  writer.close(mark);
  store.catalogChanged = true;
  store.wrote = true;
  store.catalog.changeIndex(collection, index, rawDocument(writer.take()));
  return old;
}
