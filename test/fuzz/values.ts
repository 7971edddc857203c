/** Values that fit a JSON Schema, and such that nearly do, or not at all. */
import type { Dice } from "../../scripts/chaos/random.ts";

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

/** What is there already, so that requests find it: by the name of a field or a segment of a path. */
export interface Known {
  pick(dice: Dice, name: string): string | undefined;
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
  "+1 555 0100",
  "Ann",
  "Zoë 👩‍👩‍👧",
  "شموع",
  "CN-2026-000001",
  "red or blue",
  "x".repeat(119),
];

/** Strings that break what is not careful. */
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

const digit = (dice: Dice) => dice.between(0, 15).toString(16);
const uuid = (dice: Dice) => "01941b2e-5c00-7xxx-9xxx-xxxxxxxxxxxx".replaceAll("x", () => digit(dice));

/** @param name of the field or parameter that it is for */
export function valid(dice: Dice, schema: Schema, known: Known, name = ""): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return dice.pick(schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return valid(dice, dice.pick(options), known, name);
  const type = Array.isArray(schema.type) ? dice.pick(schema.type) : schema.type;
  if (type === "object") return object(dice, schema, known);
  if (type === "array") {
    const most = Math.min(schema.maxItems ?? 3, 3);
    const n = dice.between(Number(schema.minItems ?? 0), Math.max(most, Number(schema.minItems ?? 0)));
    return Array.from({ length: n }, () => valid(dice, schema.items ?? {}, known, name));
  }
  if (type === "integer" || type === "number") return number(dice, schema);
  if (type === "boolean") return dice.chance(0.5);
  if (type === "null") return null;
  if (type === "string") return string(dice, schema, known, name);
  return dice.pick(["x", 1, true, null, {}, []]);
}

function object(dice: Dice, schema: Schema, known: Known): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const made: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(properties))
    if (required.includes(name) || dice.chance(0.3)) made[name] = valid(dice, inner, known, name);
  if (typeof additionalProperties === "object" && dice.chance(0.5))
    made[dice.pick(["Colour", "Size", "phone"])] = valid(dice, additionalProperties, known);
  return made;
}

function number(dice: Dice, { minimum = 0, maximum = 1_000_000, type }: Schema): number {
  const [low, high] = [Math.max(minimum, -1_000_000), Math.min(maximum, 1_000_000)];
  if (dice.chance(0.1)) return dice.pick([minimum, maximum]);
  const small = dice.chance(0.6) ? Math.min(high, Math.max(low, 1) + 5) : high;
  return type === "number" && dice.chance(0.2) ? low + dice.next() : dice.between(low, Math.max(low, small));
}

function string(dice: Dice, schema: Schema, known: Known, name: string): string {
  const there = known.pick(dice, name);
  if (there !== undefined && dice.chance(0.8) && fits(schema, there)) return there;
  if (schema.format === "email") return `fuzz-${dice.between(1, 1_000_000)}@example.com`;
  if (schema.format === "uuid") return uuid(dice);
  if (schema.format === "uri") return "https://img.shop.test/a.png";
  if (schema.format === "date-time") return "2026-01-02T03:04:05Z";
  const words = [...WORDS, ...((schema.examples as string[] | undefined) ?? [])].filter((it) =>
    fits(schema, it),
  );
  if (words.length > 0) return dice.pick(words);
  return "correct horse battery staple".padEnd(schema.minLength ?? 0, "x").slice(0, schema.maxLength ?? 100);
}

const fits = ({ pattern, minLength = 0, maxLength = 1_000 }: Schema, text: string): boolean =>
  text.length >= minLength && text.length <= maxLength && (!pattern || new RegExp(pattern, "u").test(text));

/** Something of any kind. */
export function anything(dice: Dice, depth = 0): unknown {
  const kind = dice.between(0, depth > 3 ? 4 : 7);
  if (kind <= 1) return dice.pick(NASTY);
  if (kind === 2) return dice.pick(NUMBERS);
  if (kind === 3) return dice.chance(0.5);
  if (kind === 4) return null;
  const n = dice.between(0, 4);
  if (kind === 5) return Array.from({ length: n }, () => anything(dice, depth + 1));
  return Object.fromEntries(
    Array.from({ length: n }, () => [
      dice.pick([...NASTY, "name", "id", "amount"]),
      anything(dice, depth + 1),
    ]),
  );
}

/** The value with one place in it made wrong. */
export function spoiled(dice: Dice, value: unknown): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || dice.chance(0.3))
      return dice.pick<unknown>([
        [...value, anything(dice)],
        value[0] ?? null,
        Array(200).fill(value[0] ?? 1),
      ]);
    const at = dice.between(0, value.length - 1);
    return value.map((it, i) => (i === at ? spoiled(dice, it) : it));
  }
  if (typeof value !== "object" || value === null) return anything(dice);
  const names = Object.keys(value);
  const what = dice.between(0, 3);
  if (names.length === 0 || what === 0) return { ...value, [dice.pick([...NASTY, "more"])]: anything(dice) };
  const name = dice.pick(names);
  const { [name]: inner, ...rest } = value as Record<string, unknown>;
  return what === 1 ? rest : { ...rest, [name]: spoiled(dice, inner) };
}
