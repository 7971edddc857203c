/** Values that fit a JSON Schema, and such that nearly do, or not at all. */
import type { SeededRandom } from "../support/seeded-random.ts";

export interface Schema {
  [word: string]: unknown;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  enum?: readonly unknown[];
  const?: unknown;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  examples?: readonly unknown[];
  default?: unknown;
  additionalProperties?: boolean | Schema;
}

/** Existing values, so that requests find them: by the name of a field or a segment of a path. */
export interface Known {
  pick(random: SeededRandom, name: string): string | undefined;
}

const WORDS = [
  "a",
  "lamp",
  "USD",
  "US",
  "LAMP-1",
  "brass-lamp",
  "sandbox",
  "12345",
  "+1 202 555 0100",
  "Ann",
  "Zoë 👩‍👩‍👧",
  "شموع",
  "CN-2026-000001",
  "red or blue",
  "x".repeat(119),
];

/** Strings that break careless code. */
export const NASTY = [
  "",
  " ",
  "\u0000",
  "null",
  "undefined",
  "-1",
  "1e309",
  "0x10",
  "NaN",
  "true",
  "[object Object]",
  "__proto__",
  "constructor",
  "$where",
  "$gt",
  "a.b.c",
  "../../etc/passwd",
  "..%2f..",
  "%00",
  "%",
  "<script>alert(1)</script>",
  "' OR 1=1 --",
  "{{7*7}}",
  "\u202eabc\u2066",
  "e\u0301\u0323",
  `a${"\u0301\u0323".repeat(200)}`,
  "\u2028",
  "\ufffd",
  "\ufeff",
  "😀".repeat(60),
  "a".repeat(1_000),
  "9".repeat(400),
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
] as const;

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  999,
  1_000,
  1e15,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  1e308,
  5e-324,
] as const;

const digit = (random: SeededRandom) => random.between(0, 15).toString(16);
const uuid = (random: SeededRandom) =>
  "01941b2e-5c00-7xxx-9xxx-xxxxxxxxxxxx".replaceAll("x", () => digit(random));

/** @param name of the field or parameter that it is for */
export function valid(random: SeededRandom, schema: Schema, known: Known, name = ""): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return valid(random, random.pick(options), known, name);
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
  if (type === "object") return object(random, schema, known);
  if (type === "array") {
    const most = Math.min(schema.maxItems ?? 3, 3);
    const n = random.between(Number(schema.minItems ?? 0), Math.max(most, Number(schema.minItems ?? 0)));
    return Array.from({ length: n }, () => valid(random, schema.items ?? {}, known, name));
  }
  if (type === "integer" || type === "number") return number(random, schema);
  if (type === "boolean") return random.chance(0.5);
  if (type === "null") return null;
  if (type === "string") return string(random, schema, known, name);
  return random.pick(["x", 1, true, null, {}, []]);
}

function object(random: SeededRandom, schema: Schema, known: Known): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const made: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(properties))
    if (required.includes(name) || random.chance(0.3)) made[name] = valid(random, inner, known, name);
  if (typeof additionalProperties === "object" && random.chance(0.5))
    made[random.pick(["Colour", "Size", "phone"])] = valid(random, additionalProperties, known);
  return made;
}

function number(random: SeededRandom, { minimum = 0, maximum = 1_000_000, type }: Schema): number {
  const [low, high] = [Math.max(minimum, -1_000_000), Math.min(maximum, 1_000_000)];
  if (random.chance(0.1)) return random.pick([minimum, maximum]);
  const small = random.chance(0.6) ? Math.min(high, Math.max(low, 1) + 5) : high;
  return type === "number" && random.chance(0.2)
    ? low + random.next()
    : random.between(low, Math.max(low, small));
}

function string(random: SeededRandom, schema: Schema, known: Known, name: string): string {
  const there = known.pick(random, name);
  if (there !== undefined && random.chance(0.8) && fits(schema, there)) return there;
  if (schema.format === "email" || schema.format === "idn-email")
    return `fuzz-${random.between(1, 1_000_000)}@example.com`;
  if (schema.format === "uuid") return uuid(random);
  if (schema.format === "uri") return "https://img.shop.test/a.png";
  if (schema.format === "date-time") return "2026-01-02T03:04:05Z";
  const words = [...WORDS, ...((schema.examples as string[] | undefined) ?? [])].filter((it) =>
    fits(schema, it),
  );
  if (words.length > 0) return random.pick(words);
  return "correct horse battery staple".padEnd(schema.minLength ?? 0, "x").slice(0, schema.maxLength ?? 100);
}

const fits = ({ pattern, minLength = 0, maxLength = 1_000 }: Schema, text: string): boolean =>
  text.length >= minLength && text.length <= maxLength && (!pattern || new RegExp(pattern, "u").test(text));

/** Something of any kind. */
export function anything(random: SeededRandom, depth = 0): unknown {
  const kind = random.between(0, depth > 3 ? 4 : 7);
  if (kind <= 1) return random.pick(NASTY);
  if (kind === 2) return random.pick(NUMBERS);
  if (kind === 3) return random.chance(0.5);
  if (kind === 4) return null;
  const n = random.between(0, 4);
  if (kind === 5) return Array.from({ length: n }, () => anything(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: n }, () => [
      random.pick([...NASTY, "name", "id", "amount"]),
      anything(random, depth + 1),
    ]),
  );
}

/** The value with one place in it made wrong. */
export function spoiled(random: SeededRandom, value: unknown): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.3))
      return random.pick<unknown>([
        [...value, anything(random)],
        value[0] ?? null,
        Array(200).fill(value[0] ?? 1),
      ]);
    const at = random.between(0, value.length - 1);
    return value.map((it, i) => (i === at ? spoiled(random, it) : it));
  }
  if (typeof value !== "object" || value === null) return anything(random);
  const names = Object.keys(value);
  const what = random.between(0, 3);
  if (names.length === 0 || what === 0)
    return { ...value, [random.pick([...NASTY, "more"])]: anything(random) };
  const name = random.pick(names);
  const { [name]: inner, ...rest } = value as Record<string, unknown>;
  return what === 1 ? rest : { ...rest, [name]: spoiled(random, inner) };
}
