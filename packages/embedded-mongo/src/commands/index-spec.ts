/** What an index may be: options and keys checked, and compared with the indexes that there are. */
import { encode, intRaw, stringRaw } from "../bson/make.ts";
import {
  fields,
  isEmptyDocument,
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
import { StoreError } from "../errors.ts";
import { parseFilter } from "../query/parse.ts";
import type { Index } from "../storage/index.ts";
import { checkCollation } from "./checks.ts";

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

/** Checks a specification and writes it the way `listIndexes` shows it. */
export function normalize(spec: Raw): Raw {
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

export function checkTtl(ttl: Raw, fieldsInKey: number): void {
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
export function isNew(indexes: readonly Index[], spec: Raw): boolean {
  const wanted = new Map(fields(spec));
  const name = stringValue(wanted.get("name") as Raw);
  const key = wanted.get("key") as Raw;
  if (pattern(key) === "_id:1") return false;
  for (const index of indexes) {
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

export function pattern(key: Raw): string {
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
