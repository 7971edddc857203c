/** One object of parameters from path, query and body. They can't override each other. */
import { parse } from "node:querystring";
import { SoukError } from "../../contract/errors.ts";
import { invalid } from "../problem.ts";
import { checkName } from "./body.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * Path parameters, percent-decoded once. An encoded slash is part of the parameter, as in a SKU: the path was split
 * before. Whether a parameter may have one, its contract says.
 * @throws {SoukError} VALIDATION_FAILED for bad encoding, and for a control character
 */
export function decodePath(raw: Readonly<Record<string, string>>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) params[name] = decodeSegment(name, value);
  return params;
}

function decodeSegment(name: string, raw: string): string {
  if (!raw.includes("%")) return raw;
  let value: string;
  try {
    value = decodeURIComponent(raw);
  } catch {
    throw invalid(name, "is not valid percent-encoded UTF-8");
  }
  if (CONTROL.test(value)) throw invalid(name, "must not contain control characters");
  return value;
}

/**
 * Parameters of a query string: text, or a list of texts where a name is repeated.
 * @param query without the question mark
 * @throws {SoukError} VALIDATION_FAILED for a name that would reach a prototype
 */
export function parseQuery(query: string): Record<string, string | string[]> {
  if (query === "") return {};
  const parsed: Record<string, string | string[]> = {};
  // The URL's length bounds the number of keys. The parser's own bound would drop the rest silently.
  for (const [name, value] of Object.entries(parse(query, "&", "=", { maxKeys: 0 }))) {
    checkName(name);
    if (value !== undefined) parsed[name] = value;
  }
  return parsed;
}

/**
 * The parameters of a query, with those of a record in one: `options.Colour=brass` is `{ options: { Colour: "brass" } }`.
 * @param records their names
 * @throws {SoukError} VALIDATION_FAILED for a name that would reach a prototype, and for a record that is also a text
 */
export function foldRecords(
  query: Readonly<Record<string, string | string[]>>,
  records: ReadonlySet<string>,
): Record<string, unknown> {
  if (records.size === 0) return query;
  const params: Record<string, unknown> = {};
  const folded = new Map<string, Record<string, string | string[]>>();
  for (const [name, value] of Object.entries(query)) {
    const dot = name.indexOf(".");
    const record = dot < 0 ? name : name.slice(0, dot);
    if (!records.has(record)) params[name] = value;
    else if (dot < 0) throw invalid(record, `is given as ${record}.<name>=<value>`);
    else {
      const key = name.slice(dot + 1);
      checkName(key);
      const fields = folded.get(record) ?? {};
      fields[key] = value;
      folded.set(record, fields);
    }
  }
  return Object.assign(params, Object.fromEntries(folded));
}

/**
 * @param path decoded path parameters
 * @param rest those of the query or the body, depending on the method
 * @throws {SoukError} VALIDATION_FAILED with the name of a parameter that is given twice
 */
export function mergeParams(
  path: Readonly<Record<string, string>>,
  rest: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  for (const name of Object.keys(path))
    if (Object.hasOwn(rest, name)) throw invalid(name, "is given in the path already");
  return { ...path, ...rest };
}

/** @throws {SoukError} VALIDATION_FAILED: a route with a body takes no query parameters */
export function refuseQuery(
  query: Readonly<Record<string, unknown>>,
  body: Readonly<Record<string, unknown>>,
): void {
  const names = Object.keys(query);
  if (names.length === 0) return;
  const errors = names.slice(0, 20).map((field) => ({
    field,
    message: Object.hasOwn(body, field)
      ? "is given in query and body"
      : "belongs in the body, not in the query",
  }));
  throw new SoukError("VALIDATION_FAILED", `${errors[0]?.field}: ${errors[0]?.message}`, { errors });
}
