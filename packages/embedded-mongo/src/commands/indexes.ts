/** `createIndexes`, `listIndexes`, `dropIndexes`, and TTL changes through `collMod`. */
import { encode, intRaw, stringRaw } from "../bson/make.ts";
import {
  fields,
  isEmptyDocument,
  items,
  numberOf,
  type Raw,
  rawDocument,
  stringValue,
  Type,
  toJs,
  truthy,
  typeName,
} from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { identical } from "../compare.ts";
import { badValue, StoreError } from "../errors.ts";
import { parseFilter } from "../query/parse.ts";
import type { Collection } from "../storage/collection.ts";
import type { Index } from "../storage/index.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { cursorReply } from "./cursor-reply.ts";

const mostIndexes = 64;
const knownOptions = new Set([
  "v",
  "key",
  "name",
  "unique",
  "sparse",
  "hidden",
  "background",
  "partialFilterExpression",
  "expireAfterSeconds",
  "weights",
  "default_language",
  "language_override",
  "textIndexVersion",
  "collation",
  "ns",
]);

export function createIndexes(context: Context): Reply {
  const { store, request } = context;
  const name = request.collection();
  const list = request.array("indexes");
  if (list === undefined)
    throw new StoreError(40414, "BSON field 'createIndexes.indexes' is missing but a required field");
  const specs = items(list).map(normalize);
  if (specs.length === 0) throw badValue("Must specify at least one index to create");
  const quorum = request.get("commitQuorum");
  const quorums = ["majority", "votingMembers"];
  if (
    quorum !== undefined &&
    !(quorum.isNumber() && numberOf(quorum) <= 1) &&
    !(quorum.type === Type.string && quorums.includes(stringValue(quorum)))
  )
    throw new StoreError(100, "Commit quorum cannot be satisfied with the current replica set configuration");
  const existed = store.find(request.db, name) !== undefined;
  const collection = store.ensure(request.db, name);
  const before = collection.indexes.length + 1;
  for (const spec of specs) {
    if (!isNew(collection, spec)) continue;
    if (collection.indexes.length + 1 >= mostIndexes)
      throw new StoreError(67, `add index fails, too many indexes for ${collection.namespace}`);
    store.catalogChanged = true;
    store.wrote = true;
    store.catalog.createIndex(collection, spec);
  }
  const after = collection.indexes.length + 1;
  return {
    numIndexesBefore: before,
    numIndexesAfter: after,
    createdCollectionAutomatically: !existed,
    ...(before === after ? { note: "all indexes already exist" } : {}),
  };
}

/** Checks a specification and writes it the way `listIndexes` shows it. */
function normalize(spec: Raw): Raw {
  if (spec.type !== Type.object) throw new StoreError(14, "index specifications must be objects");
  const options = new Map(fields(spec));
  const key = options.get("key");
  if (key?.type !== Type.object || isEmptyDocument(key))
    throw new StoreError(67, "Index keys cannot be empty.");
  for (const option of options.keys()) {
    if (!knownOptions.has(option)) {
      throw new StoreError(197, `The field '${option}' is not valid for an index specification.`);
    }
  }
  checkCollation(options.get("collation"));
  checkOptions(options);
  const kinds = fields(key).map(([path, order]) => checkKey(path, order));
  if (kinds.includes("text")) checkText(options);
  else {
    for (const option of textOptions)
      if (options.has(option)) throw new StoreError(67, `the option '${option}' is for text indexes only`);
  }
  if (pattern(key) === "_id:1") checkIdOptions(options);
  const name = options.get("name");
  if (name !== undefined && name.type !== Type.string)
    throw new StoreError(14, "The field 'name' must be a string");
  if (name === undefined)
    throw new StoreError(9, "The 'name' field is a required property of an index specification");
  const partial = options.get("partialFilterExpression");
  if (partial !== undefined) {
    if (partial.type !== Type.object) throw new StoreError(14, "'partialFilterExpression' must be an object");
    if (truthy(options.get("sparse")))
      throw new StoreError(67, 'cannot mix "partialFilterExpression" and "sparse" options');
    checkPartial(partial);
  }
  const ttl = options.get("expireAfterSeconds");
  if (ttl !== undefined) checkTtl(ttl, kinds.length);
  const writer = new Writer(256);
  const mark = writer.open();
  writer.raw("v", intRaw(2));
  for (const [option, value] of fields(spec)) {
    if (option === "v" || option === "ns" || option === "background" || option === "collation") continue;
    if ((option === "unique" || option === "sparse" || option === "hidden") && !truthy(value)) continue;
    writer.raw(option, value);
  }
  if (kinds.includes("text")) writeTextDefaults(writer, options, key);
  writer.close(mark);
  return rawDocument(writer.take());
}

const textOptions = ["weights", "default_language", "language_override", "textIndexVersion"];

function checkOptions(options: ReadonlyMap<string, Raw>): void {
  for (const option of ["unique", "sparse", "hidden", "background"]) {
    const value = options.get(option);
    if (value !== undefined && value.type !== Type.bool && !value.isNumber())
      throw new StoreError(
        14,
        `The field '${option}' has value of wrong type '${typeName(value.type)}', expected type 'bool'`,
      );
  }
  const version = options.get("v");
  if (version !== undefined && numberOf(version) !== 2)
    throw new StoreError(67, "only indexes of version v: 2 are supported by this store");
}

/** The words of a text index are taken as they are: no language's endings or stop words are applied. */
function checkText(options: ReadonlyMap<string, Raw>): void {
  const language = options.get("default_language");
  if (language !== undefined && (language.type !== Type.string || stringValue(language) !== "none"))
    throw new StoreError(
      67,
      "text indexes with a default_language other than 'none' are not supported by this store",
    );
  const override = options.get("language_override");
  if (override !== undefined && (override.type !== Type.string || stringValue(override) !== "language"))
    throw new StoreError(67, "language_override is not supported by this store");
  const version = options.get("textIndexVersion");
  if (version !== undefined && numberOf(version) !== 3)
    throw new StoreError(67, "only text indexes of version 3 are supported by this store");
  const weights = options.get("weights");
  for (const [name, weight] of weights?.type === Type.object ? fields(weights) : []) {
    const value = numberOf(weight);
    if (!(value > 0 && value < 1_000_000))
      throw new StoreError(
        67,
        `text index weight must be in the exclusive interval (0,1000000) but found: ${name}`,
      );
  }
}

const idOptions = new Set(["v", "key", "name", "ns", "collation"]);

function checkIdOptions(options: ReadonlyMap<string, Raw>): void {
  for (const option of options.keys()) {
    if (!idOptions.has(option))
      throw new StoreError(197, `The field '${option}' is not valid for an _id index specification.`);
  }
}

function writeTextDefaults(writer: Writer, options: Map<string, Raw>, key: Raw): void {
  if (!options.has("weights")) {
    const names = fields(key).filter(([, order]) => order.type === Type.string);
    writer.raw("weights", encode(Object.fromEntries(names.map(([path]) => [path, 1]))));
  }
  if (!options.has("default_language")) writer.raw("default_language", stringRaw("none"));
  if (!options.has("language_override")) writer.raw("language_override", stringRaw("language"));
  if (!options.has("textIndexVersion")) writer.raw("textIndexVersion", intRaw(3));
}

function checkKey(path: string, order: Raw): "ordered" | "text" {
  if (path === "" || path.split(".").includes(""))
    throw new StoreError(67, "Index keys cannot contain an empty field.");
  if (path.includes("$**")) throw new StoreError(67, "wildcard indexes are not supported by this store");
  if (path.startsWith("$"))
    throw new StoreError(67, `Index key contains an illegal field name: field name starts with '$': ${path}`);
  if (order.isNumber()) {
    const direction = numberOf(order);
    if (direction === 0 || Number.isNaN(direction))
      throw new StoreError(67, "Values in the index key pattern cannot be 0.");
    return "ordered";
  }
  if (order.type !== Type.string)
    throw new StoreError(
      67,
      "Values in v:2 index key pattern cannot be of this type. Only numbers > 0, numbers < 0, and strings are allowed.",
    );
  if (stringValue(order) === "text") return "text";
  throw new StoreError(67, `index type '${stringValue(order)}' is not supported by this store`);
}

function checkPartial(partial: Raw): void {
  const allowed = new Set(["eq", "lt", "lte", "gt", "gte", "type", "exists", "in"]);
  const visit = (filter: ReturnType<typeof parseFilter>): void => {
    if (filter.kind === "and" || filter.kind === "or") filter.filters.forEach(visit);
    else if (filter.kind === "field") {
      const { test } = filter;
      if (!allowed.has(test.op) || (test.op === "exists" && !test.wanted)) {
        throw new StoreError(67, `Expression not supported in partial index: ${filter.path.text} ${test.op}`);
      }
    } else if (filter.kind !== "constant")
      throw new StoreError(67, "Expression not supported in partial index");
  };
  visit(parseFilter(partial));
}

function checkTtl(ttl: Raw, fieldsInKey: number): void {
  if (!ttl.isNumber()) throw new StoreError(67, "TTL index 'expireAfterSeconds' option must be numeric");
  const seconds = numberOf(ttl);
  if (!(seconds >= 0) || seconds > 2147483647)
    throw new StoreError(
      67,
      `TTL index 'expireAfterSeconds' option must be within an acceptable range, try a different number than ${seconds}`,
    );
  if (fieldsInKey > 1)
    throw new StoreError(67, "TTL indexes are single-field indexes, compound indexes do not support TTL.");
}

/** False when this very index is there; refuses one that differs in name or options only. */
function isNew(collection: Collection, spec: Raw): boolean {
  const wanted = new Map(fields(spec));
  const name = stringValue(wanted.get("name") as Raw);
  const key = wanted.get("key") as Raw;
  if (pattern(key) === "_id:1") return false;
  for (const index of collection.indexes) {
    if (index.text && index.name !== name && pattern(key).includes(":text"))
      throw new StoreError(
        67,
        `only one text index per collection allowed, found existing text index "${index.name}"`,
      );
    const sameKey = pattern(index.key) === pattern(key);
    if (index.name === name) {
      if (sameKey && sameOptions(index.spec, spec)) return false;
      throw new StoreError(
        sameKey ? 85 : 86,
        `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: ${JSON.stringify(toJs(spec))}, existing index: ${JSON.stringify(toJs(index.spec))}`,
      );
    }
    if (sameKey && sameFilter(index, wanted)) {
      throw new StoreError(85, `Index already exists with a different name: ${index.name}`);
    }
  }
  if (name === "_id_")
    throw new StoreError(
      67,
      `The index name '_id_' is reserved for the _id index, which must have key pattern {_id: 1}, found key: ${pattern(key)}`,
    );
  return true;
}

function sameFilter(index: Index, wanted: Map<string, Raw>): boolean {
  const mine = new Map(fields(index.spec)).get("partialFilterExpression");
  const other = wanted.get("partialFilterExpression");
  return mine === undefined || other === undefined ? mine === other : identical(mine, other);
}

function pattern(key: Raw): string {
  return fields(key)
    .map(([path, order]) => `${path}:${order.isNumber() ? numberOf(order) : stringValue(order)}`)
    .join();
}

function sameOptions(a: Raw, b: Raw): boolean {
  const plain = (spec: Raw) =>
    JSON.stringify(
      fields(spec)
        .filter(([option]) => option !== "key" && option !== "v")
        .map(([option, value]) => [option, toJs(value)])
        .sort(([x], [y]) => (String(x) < String(y) ? -1 : 1)),
    );
  return plain(a) === plain(b);
}

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

/** `cursor: {batchSize}`; 101 where it is not given. */
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

function named(collection: Collection, wanted: Raw): Index[] {
  if (wanted.type === Type.string) {
    const name = stringValue(wanted);
    if (name === "*") return [...collection.indexes];
    if (name === "_id_") throw new StoreError(72, "cannot drop _id index");
    const found = collection.indexes.find((index) => index.name === name);
    if (found === undefined) throw new StoreError(27, `index not found with name [${name}]`);
    return [found];
  }
  if (wanted.type !== Type.object) throw new StoreError(14, "index must be a string, an array or an object");
  const found = collection.indexes.find((index) => pattern(index.key) === pattern(wanted));
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
