/**
 * Whether one JSON Schema can replace another, for the subset of JSON Schema that contracts use. Whatever was
 * accepted must still be accepted. Whatever is sent must still be understood by older readers. Readers ignore unknown
 * fields, so fields may always be added to what we send.
 */
import { CONDITIONS } from "../../../broker/contract/conditions.ts";
import type { Schema } from "./snapshot.ts";

export type Role = "taken" | "sent";

/** @returns what breaks, each with its place; empty where nothing does */
export function schemaBreaks(before: Schema, after: Schema, role: Role): string[] {
  const compare = new Comparison(role, before, after);
  return role === "taken" ? compare.within(before, after, "") : compare.within(after, before, "");
}

/** `narrow` must be within `wide`: every value of one is a value of the other. */
class Comparison {
  readonly #role: Role;
  readonly #roots: Record<"narrow" | "wide", Schema>;
  /** Recursive types: pairs under comparison count as compatible. */
  readonly #open = new Set<string>();

  constructor(role: Role, before: Schema, after: Schema) {
    this.#role = role;
    this.#roots = role === "taken" ? { narrow: before, wide: after } : { narrow: after, wide: before };
  }

  within(narrow: Schema, wide: Schema, at: string): string[] {
    const pair = narrow.$ref !== undefined && wide.$ref !== undefined && `${narrow.$ref} ${wide.$ref}`;
    if (pair && this.#open.has(pair)) return [];
    if (pair) this.#open.add(pair);
    const targets = this.#alternatives(wide, this.#roots.wide);
    const ones = this.#alternatives(narrow, this.#roots.narrow);
    const isUnion = targets.length > 1 || ones.length > 1;
    const found = ones.flatMap(eachValue).flatMap((one) => this.#closest(one, targets, isUnion, at));
    if (pair) this.#open.delete(pair);
    return found;
  }

  /** The problems with the best matching alternative: one of the same kind, if there is any. */
  #closest(one: Schema, targets: readonly Schema[], isUnion: boolean, at: string): string[] {
    const kind = kindOf(one);
    const tried = targets.map((it) => ({ isAlike: kindOf(it) === kind, problems: this.#fits(one, it, at) }));
    if (tried.some(({ problems }) => problems.length === 0)) return [];
    const alike = tried.filter(({ isAlike }) => isAlike);
    if (isUnion && alike.length === 0)
      return [`${at || "it"}: ${this.#role === "taken" ? "no longer takes" : "may now be"} ${kind}`];
    return (alike.length > 0 ? alike : tried)
      .map(({ problems }) => problems)
      .reduce((best, it) => (it.length < best.length ? it : best));
  }

  #alternatives(schema: Schema, root: Schema): Schema[] {
    const it = flattened(resolved(schema, root), root);
    const options = (it.anyOf ?? it.oneOf) as Schema[] | undefined;
    if (options) return options.flatMap((one) => this.#alternatives(one, root));
    if (Array.isArray(it.type)) return it.type.map((type) => ({ ...it, type }));
    return [it];
  }

  #fits(narrow: Schema, wide: Schema, at: string): string[] {
    const place = at || "it";
    if (isAnything(wide) || narrow.not !== undefined) return [];
    const allowed = valuesOf(wide);
    if (allowed) {
      if (!("const" in narrow))
        return [`${place}: ${this.#role === "taken" ? "takes" : "was"} only ${show(allowed)}`];
      if (allowed.includes(narrow.const)) return [];
      const verb = this.#role === "taken" ? "no longer takes" : "may now be";
      return [`${place}: ${verb} ${JSON.stringify(narrow.const)}`];
    }
    if (isAnything(narrow))
      return [`${place}: ${this.#role === "taken" ? "takes only" : "was"} ${wide.type}`];
    const type = "const" in narrow ? typeOf(narrow.const) : narrow.type;
    if (type !== wide.type && !(type === "integer" && wide.type === "number"))
      return [`${place}: ${type} ${this.#role === "taken" ? "became" : "was"} ${wide.type}`];
    if ("const" in narrow) return [];
    return [
      ...this.#limits(narrow, wide, place),
      ...this.#items(narrow, wide, at),
      ...this.#fields(narrow, wide, at),
    ];
  }

  #limits(narrow: Schema, wide: Schema, place: string): string[] {
    const tighter = (name: string, is: (a: number, b: number) => boolean) => {
      const [a, b] = [narrow[name], wide[name]] as (number | undefined)[];
      return b !== undefined && (a === undefined || is(a, b))
        ? [`${place}: ${name} ${this.#change(a, b)}`]
        : [];
    };
    const below = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
    const above = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
    const same = ["pattern", "format", "multipleOf", "contentEncoding"];
    return [
      ...below.flatMap((name) => tighter(name, (a, b) => a < b)),
      ...above.flatMap((name) => tighter(name, (a, b) => a > b)),
      ...same
        .filter((name) => wide[name] !== undefined && !sameWord(name, narrow[name], wide[name]))
        .map((name) => `${place}: ${name} ${this.#change(narrow[name], wide[name])}`),
      ...conditionsOf(wide)
        .filter((it) => !conditionsOf(narrow).includes(it))
        .map(
          (it) => `${place}: ${this.#role === "taken" ? "has a new" : "has no more the"} condition "${it}"`,
        ),
    ];
  }

  #items(narrow: Schema, wide: Schema, at: string): string[] {
    const [tuple, other] = [narrow.prefixItems, wide.prefixItems] as (Schema[] | undefined)[];
    if (tuple || other) {
      if (tuple?.length !== other?.length) return [`${at || "it"}: has another number of items`];
      return (tuple ?? []).flatMap((it, i) => this.within(it, other?.[i] ?? {}, `${at}[${i}]`));
    }
    if (wide.items === undefined) return [];
    return this.within((narrow.items ?? {}) as Schema, wide.items as Schema, `${at}[]`);
  }

  #fields(narrow: Schema, wide: Schema, at: string): string[] {
    if (wide.type !== "object") return [];
    const [has, wants] = [propertiesOf(narrow), propertiesOf(wide)];
    const [given, required] = [requiredOf(narrow), requiredOf(wide)];
    const inner = (name: string) => (at ? `${at}.${name}` : name);
    const [extra, more] = [narrow.additionalProperties, wide.additionalProperties];
    const problems: string[] = [];
    for (const [name, schema] of Object.entries(has)) {
      const known = wants[name] ?? (isOpen(more) ? more : undefined);
      if (known) problems.push(...this.within(schema, known, inner(name)));
      else if (this.#role === "taken") problems.push(`${inner(name)}: is not taken any more`);
    }
    for (const name of Object.keys(wants)) {
      if (required.has(name) && !given.has(name))
        problems.push(
          `${inner(name)}: ${this.#role === "taken" ? "is required now" : has[name] ? "may be missing now" : "is gone"}`,
        );
      else if (!has[name] && this.#role === "sent") problems.push(`${inner(name)}: is gone`);
    }
    if (isOpen(extra)) {
      if (isOpen(more))
        problems.push(
          ...this.within(extra, more, inner("*")),
          ...this.within(namesOf(narrow), namesOf(wide), inner("(name)")),
        );
      else
        problems.push(
          `${at || "it"}: ${this.#role === "taken" ? "no longer takes" : "may now have"} any field`,
        );
    }
    return problems;
  }

  #change(narrow: unknown, wide: unknown): string {
    const [before, after] = this.#role === "taken" ? [narrow, wide] : [wide, narrow];
    return `was ${show(before)}, is ${show(after)}`;
  }
}

function resolved(schema: Schema, root: Schema): Schema {
  const { $ref, ...own } = schema;
  if (typeof $ref !== "string") return schema;
  if ($ref === "#") return root;
  const name = $ref.replace("#/$defs/", "");
  const found = (root.$defs as Record<string, Schema> | undefined)?.[name];
  if (!found) throw new Error(`${$ref} leads nowhere`);
  return resolved({ ...found, ...own }, root);
}

/** The two parts of an intersection as one object. */
function flattened(schema: Schema, root: Schema): Schema {
  if (!Array.isArray(schema.allOf)) return schema;
  const parts = (schema.allOf as Schema[]).map((it) => flattened(resolved(it, root), root));
  return {
    type: "object",
    properties: Object.assign({}, ...parts.map(propertiesOf)),
    required: parts.flatMap((it) => [...requiredOf(it)]),
    additionalProperties: false,
  };
}

/** What refinements check, in words: a condition in other words is another one. */
const conditionsOf = (schema: Schema): readonly string[] => (schema[CONDITIONS] ?? []) as readonly string[];

const sameWord = (name: string, one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other) ||
  (name === "pattern" && typeof one === "string" && plainPattern(one) === plainPattern(String(other)));

/** Replaces classes that other languages read differently, or not at all, by their characters. */
const plainPattern = (pattern: string): string =>
  pattern.replaceAll("\\p{Cc}", "\\x00-\\x1f\\x7f-\\x9f").replaceAll("\\d", "[0-9]");

const eachValue = (schema: Schema): Schema[] =>
  Array.isArray(schema.enum) ? schema.enum.map((it) => ({ const: it })) : [schema];
const valuesOf = (schema: Schema): unknown[] | undefined =>
  Array.isArray(schema.enum) ? schema.enum : "const" in schema ? [schema.const] : undefined;
/** By their first names. A renamed field also accepts its former name, see tolerant.ts. */
const propertiesOf = (schema: Schema): Record<string, Schema> =>
  Object.fromEntries(declaredIn(schema).map(([name, it]) => [firstName(name, it), it]));
const declaredIn = (schema: Schema) => Object.entries((schema.properties ?? {}) as Record<string, Schema>);
const firstName = (name: string, field: Schema | undefined): string =>
  typeof field?.["x-formerly"] === "string" ? field["x-formerly"] : name;
const namesOf = (schema: Schema) => (schema.propertyNames ?? { type: "string" }) as Schema;
const requiredOf = (schema: Schema): ReadonlySet<string> => {
  const fields = Object.fromEntries(declaredIn(schema));
  return new Set(((schema.required ?? []) as string[]).map((name) => firstName(name, fields[name])));
};
const isOpen = (it: unknown): it is Schema => typeof it === "object" && it !== null;
const isAnything = (it: Schema): boolean =>
  ["type", "enum", "const", "anyOf", "oneOf", "allOf", "not"].every((key) => it[key] === undefined);
const typeOf = (value: unknown): string =>
  value === null
    ? "null"
    : Number.isInteger(value)
      ? "integer"
      : Array.isArray(value)
        ? "array"
        : typeof value;
const show = (value: unknown): string => (value === undefined ? "open" : JSON.stringify(value));

/** Distinguishes alternatives: by type, and for objects by the fields that have only one value. */
function kindOf(schema: Schema): string {
  if ("const" in schema) return `${typeOf(schema.const)} ${JSON.stringify(schema.const)}`;
  const fixed = Object.entries(propertiesOf(schema)).filter(([, it]) => "const" in it);
  return [schema.type, ...fixed.map(([name, it]) => `${name}=${JSON.stringify(it.const)}`)].join(" ");
}
