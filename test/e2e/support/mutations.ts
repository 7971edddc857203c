/**
 * Requests that are wrong in one place, derived from a contract's JSON Schema and a valid request. The schema that
 * clients see decides what is wrong, not the validator under test.
 */
import type { ApiRoute } from "../../../broker/http/api-route.ts";
import {
  fieldsOf,
  type JsonSchema,
  jsonSchema,
  type ObjectSchema,
} from "../../../broker/http/docs/json-schema.ts";
import { inlined } from "../../support/schemas/inlined-schema.ts";
import type { ApiRequest } from "./access.ts";

export interface Mutation {
  /** For the message of a failed assertion. */
  what: string;
  /** The field that the problem must name; undefined where the request as a whole is wrong. */
  field?: string;
  /** Query string without the question mark. */
  search?: string;
  /** Text of the body, as it is sent. */
  body?: string;
  contentType?: string;
  headers?: Record<string, string>;
  /** The code that it must be refused with; VALIDATION_FAILED where a field is named and this is not. */
  code?: string;
}

type Path = readonly string[];
type Json = Record<string, unknown>;

const OPERATORS = ["$where", "$gt", "$ne", "$regex", "$set", "$expr"];
/** Written as text, because a literal would set the prototype instead of a member. */
const PROTOTYPES = ["__proto__", "constructor", "prototype"];
const STRANGERS = ["roles", "isAdmin", "_id", "userId", "price", "toString", "a.b", "", "😀", ...OPERATORS];

const OF_EVERY_TYPE: readonly unknown[] = [
  null,
  true,
  42,
  0.5,
  "zz",
  [],
  [[]],
  {},
  { $gt: "" },
  { $ne: null },
  { $where: "sleep(1000) || true" },
  { $regex: "(a+)+$" },
  { toString: null },
  ["zz", { $gt: "" }],
];

const HOSTILE_TEXT = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "line\nbreak",
  "\u001b[2J",
  "\u202egnp.exe",
  "\ud800",
  "ｆｕｌｌ",
  "İ",
  "../../etc/passwd",
  "' OR 1=1 --",
  "{{7*7}}",
  "%00",
  "<script>alert(1)</script>",
  "__proto__",
  "$where",
];

/** Numbers as JSON text, to include those that JavaScript can't write. */
const HOSTILE_NUMBERS = [
  "1e999",
  "-1e999",
  "1e308",
  "9007199254740993",
  "0.5",
  "-0.5",
  "1e-7",
  "123456789012345678901234567890",
];

const typesOf = (schema: JsonSchema): Set<string> => {
  const branches = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (branches) return new Set(branches.flatMap((it) => [...typesOf(it)]));
  if (Array.isArray(schema.enum)) return new Set(schema.enum.map(typeOf));
  if ("const" in schema) return new Set([typeOf(schema.const)]);
  return new Set([schema.type ?? []].flat().map(String));
};

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

/** Whether the schema accepts the text. Formats are trusted. */
function fits(schema: JsonSchema, text: string): boolean {
  const branches = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (branches) return branches.some((it) => fits(it, text));
  if (Array.isArray(schema.enum)) return schema.enum.includes(text);
  if ("const" in schema) return schema.const === text;
  if (!typesOf(schema).has("string")) return false;
  if (["email", "idn-email", "uuid", "uri", "date-time"].includes(String(schema.format))) return false;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  if (text.length < Number(minLength) || text.length > Number(maxLength)) return false;
  return pattern === undefined || new RegExp(String(pattern), "u").test(text);
}

const numeric = (schema: JsonSchema): { integer: boolean; min: number; max: number } | undefined => {
  const types = typesOf(schema);
  if (!types.has("integer") && !types.has("number")) return undefined;
  const min = Number(schema.minimum ?? Number.NEGATIVE_INFINITY);
  return { integer: types.has("integer"), min, max: Number(schema.maximum ?? Number.POSITIVE_INFINITY) };
};

/** A copy of `body` in which `path` is replaced by this JSON text, or gone. */
function edit(body: Json, path: Path, json: string | undefined): string {
  const copy = structuredClone(body);
  const last = path.at(-1) ?? "";
  const parent = path.slice(0, -1).reduce<Json>((at, key) => at[key] as Json, copy);
  const marker = "\uE000here\uE000";
  if (json === undefined) delete parent[last];
  else parent[last] = marker;
  const text = JSON.stringify(copy);
  return json === undefined ? text : text.replace(JSON.stringify(marker), () => json);
}

/** A copy of `body` in whose object at `path` one more member stands, written first. */
function insert(body: Json, path: Path, name: string, json: string): string {
  const at = path.reduce<unknown>((it, key) => (it as Json)[key], body);
  const rest = JSON.stringify(at).slice(1);
  const text = `{${JSON.stringify(name)}:${json}${rest === "}" ? "" : ","}${rest}`;
  return path.length === 0 ? text : edit(body, path, text);
}

function* ofValue(schema: JsonSchema, body: Json, path: Path): Generator<Mutation> {
  const field = path.join(".");
  const wrong = (what: string, json: string): Mutation => ({
    what: `${field} is ${what}`,
    field,
    body: edit(body, path, json),
  });
  const types = typesOf(schema);
  for (const value of OF_EVERY_TYPE) {
    const type = typeOf(value);
    if (types.has(type) || (type === "number" && types.has("integer"))) continue;
    yield wrong(JSON.stringify(value), JSON.stringify(value));
  }
  if (types.has("string")) {
    const tooLong = "a".repeat(Math.max(longest(schema) + 1, 1));
    yield wrong(`${tooLong.length} characters long`, JSON.stringify(tooLong));
    for (const text of HOSTILE_TEXT)
      if (!fits(schema, text)) yield wrong(JSON.stringify(text), JSON.stringify(text));
  }
  const range = numeric(schema);
  if (range) {
    const { integer, min, max } = range;
    for (const json of [String(min - 1), String(max + 1), ...HOSTILE_NUMBERS]) {
      const value = Number(json);
      if (!Number.isNaN(value) && (value < min || value > max || (integer && !Number.isSafeInteger(value))))
        yield wrong(json, Number.isFinite(value) ? json : value < 0 ? "-1e999" : "1e999");
    }
  }
  // Of alternatives, the one that the right request has is made wrong.
  const present = typeOf(path.reduce<unknown>((it, key) => (it as Json)[key], body));
  if (types.has("array") && present === "array") yield* ofArray(schema, body, path);
  if (types.has("object") && present === "object") yield* ofObject(schema, body, path);
}

/** The most characters that fit; texts without a bound have to be refused for their form. */
function longest(schema: JsonSchema): number {
  const branches = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (branches) return Math.max(...branches.map(longest));
  return Number(schema.maxLength ?? 2_000);
}

function* ofArray(schema: JsonSchema, body: Json, path: Path): Generator<Mutation> {
  const present = path.reduce<unknown>((it, key) => (it as Json)[key], body) as unknown[];
  const items = schema.items as JsonSchema;
  if (schema.maxItems !== undefined && present.length > 0)
    yield {
      what: `${path.join(".")} has too many items`,
      field: path.join("."),
      body: edit(body, path, JSON.stringify(Array(Number(schema.maxItems) + 1).fill(present[0]))),
    };
  if (present.length > 0) yield* ofValue(items, body, [...path, "0"]);
}

function* ofObject(schema: JsonSchema, body: Json, path: Path): Generator<Mutation> {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  const required = (schema.required ?? []) as string[];
  const present = path.reduce<unknown>((it, key) => (it as Json)[key], body) as Json;
  const named = (name: string) => [...path, name].join(".");
  // An object without a list of properties is a record: its own rule decides about every name.
  const names = (schema.propertyNames ?? {}) as JsonSchema;
  const dotted = fits({ type: "string", ...names }, "a.b") ? [] : ["a.b"];
  const strangers = schema.properties ? STRANGERS : ["$where", ...dotted, "", "\u0000", "x".repeat(200)];
  for (const name of [...strangers, ...PROTOTYPES])
    if (!Object.hasOwn(properties, name))
      for (const json of ['"x"', '{"isAdmin":true}'])
        yield { what: `${named(name)} is added`, field: named(name), body: insert(body, path, name, json) };
  for (const name of required)
    if (Object.hasOwn(present, name) && Object.hasOwn(properties, name))
      yield {
        what: `${named(name)} is missing`,
        field: named(name),
        body: edit(body, [...path, name], undefined),
      };
  for (const [name, value] of Object.entries(present)) {
    const inner = properties[name] ?? (schema.additionalProperties as JsonSchema | undefined);
    if (typeof inner !== "object") throw new Error(`${named(name)} is not in the schema`);
    yield* ofValue(inner, body, [...path, name]);
    if (name === Object.keys(present)[0])
      yield {
        what: `${named(name)} is given twice`,
        field: name,
        body: insert(body, path, name, JSON.stringify(value)),
      };
  }
}

/** Bodies that are wrong as a whole. */
export function* ofWholeBody(body: Json): Generator<Mutation> {
  for (const text of ["[]", "null", '"text"', "42", "true", JSON.stringify([body])])
    yield { what: `the body is ${text.slice(0, 20)}`, field: "body", body: text };
  const text = JSON.stringify(body);
  for (const malformed of [
    text.slice(0, -1),
    `${text},`,
    `${text}${text}`,
    text.replaceAll('"', "'"),
    "{",
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":undefined}',
    '{"a":01}',
    '{"a":0x10}',
    '{"a":1,}',
    '{"a":"\u0001"}',
    "\ufeff\ufeff{}",
    "<xml/>",
  ].filter((it) => it !== text))
    yield { what: `malformed: ${malformed.slice(0, 40)}`, code: "MALFORMED_BODY", body: malformed };
  const deep = `${"[".repeat(1_000)}${"]".repeat(1_000)}`;
  const deepObject = `${'{"a":'.repeat(1_000)}1${"}".repeat(1_000)}`;
  for (const nested of [deep, deepObject, "[".repeat(40_000) + "]".repeat(40_000)])
    yield { what: "nested deep", code: "MALFORMED_BODY", body: insert(body, [], "deep", nested) };
  for (const contentType of [
    "",
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
    "application/x-ndjson",
  ])
    yield { what: `as ${contentType}`, code: "UNSUPPORTED_MEDIA_TYPE", body: text, contentType };
  yield {
    what: "compressed",
    code: "UNSUPPORTED_MEDIA_TYPE",
    body: text,
    headers: { "content-encoding": "gzip" },
  };
  yield {
    what: "too large",
    code: "BODY_TOO_LARGE",
    body: insert(body, [], "pad", JSON.stringify("x".repeat(100_000))),
  };
  for (const name of ["name", "$where", "limit"])
    yield { what: `${name} in the query`, field: name, search: `${encodeURIComponent(name)}=1`, body: text };
}

/** Query strings that are wrong in one place. */
function* ofQuery(
  schema: Pick<ObjectSchema, "properties">,
  query: ApiRequest["query"] = {},
  strangers: readonly string[] = STRANGERS,
): Generator<Mutation> {
  const search = (name: string, value: string) =>
    new URLSearchParams(Object.entries({ ...query, [name]: value })).toString();
  for (const name of [...strangers, ...PROTOTYPES])
    yield { what: `${name} is added`, field: name, search: search(name, "x") };
  for (const [name, property] of Object.entries(schema.properties)) {
    const right = query[name];
    const types = typesOf(property);
    if (right === undefined && !types.has("string")) continue;
    const wrong = (value: string): Mutation => ({
      what: `${name}=${value.slice(0, 40)}`,
      field: name,
      search: search(name, value),
    });
    if (right !== undefined)
      yield {
        what: `${name} is given twice`,
        field: name,
        search: `${search(name, right)}&${name}=${right}`,
      };
    for (const operator of strangers.length > 0 ? OPERATORS : [])
      yield {
        what: `${name}[${operator}]`,
        field: `${name}[${operator}]`,
        search: search(`${name}[${operator}]`, "1"),
      };
    if (types.has("string") && !types.has("boolean")) {
      yield wrong("a".repeat(Math.min(longest(property) + 1, 6_000)));
      for (const text of HOSTILE_TEXT) if (!fits(property, text)) yield wrong(text);
    } else for (const text of ["zz", "{}", "null", "1;2", "\u0000", "1e999"]) yield wrong(text);
    const range = numeric(property);
    if (range)
      for (const text of [
        String(range.min - 1),
        String(range.max + 1),
        "1.5",
        "NaN",
        "Infinity",
        "1e308",
        "--1",
      ])
        if (
          text !== "-Infinity" &&
          !(Number(text) >= range.min && Number(text) <= range.max && !range.integer)
        )
          yield wrong(text);
  }
}

/** Path parameters that are none. */
export const hostileSegments = [
  "%00",
  "%2e%2e%2f",
  "..%2f..%2fetc%2fpasswd",
  "a%2Fb",
  "a%5Cb",
  "%",
  "%zz",
  "%ff",
  "%c0%af",
  "%ed%a0%80",
  "%0d%0aSet-Cookie:x",
  "%20",
  "'%20OR%201=1",
  "[object%20Object]",
  "%7B%22$gt%22:%22%22%7D",
  "$where",
  "-1",
  "0",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "toString",
  "x".repeat(3_000),
  "00000000-0000-0000-0000-000000000000",
  "8e03978e-40d5-43e8-bc93-6894a57f9324",
  "%F0%9F%98%80",
];

/** All wrong requests that follow from the route's contract and a right one. */
export function* mutationsOf(route: ApiRoute, request: ApiRequest): Generator<Mutation> {
  const inPath = new Set([...route.pattern.matchAll(/:([^/]+)/g)].map(([, name]) => name));
  const json = jsonSchema(route.contract.params, "input");
  const { properties, required } = fieldsOf(route.action, inlined(json, json));
  const own = Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.has(name)));
  const mine = { properties: own, required: required.filter((name) => !inPath.has(name)) };
  if (!route.takesBody) {
    // A page that a provider sends the customer back to takes whatever the provider adds.
    const isOpen = json.additionalProperties !== false;
    yield* ofQuery(mine, request.query, isOpen ? [] : STRANGERS);
    yield { what: "a body", code: "UNSUPPORTED_MEDIA_TYPE", body: '{"a":1}' };
    return;
  }
  const body = { ...request.body };
  yield* ofWholeBody(body);
  yield* ofObject({ ...mine, type: "object" }, body, []);
  for (const name of inPath)
    yield {
      what: `${name} in path and body`,
      field: String(name),
      body: insert(body, [], String(name), '"x"'),
    };
}
