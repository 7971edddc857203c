/** The named schemas of a document: each stands there once, and `$ref` points to it. */
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { type Direction, type JsonSchema, jsonSchema } from "./json-schema.ts";

const BASE = "#/components/schemas/";

export class Components {
  readonly #schemas = new Map<string, JsonSchema>();
  readonly #derived = new Set<string>();

  /**
   * The schema as it stands in the document.
   * @throws where a name has two meanings, as for a shape that has defaults and is both taken and given
   */
  schema(schema: z.ZodType, io: Direction): JsonSchema {
    const { $defs = {}, ...json } = pointed(jsonSchema(schema, io));
    for (const [name, it] of Object.entries($defs as Record<string, JsonSchema>)) this.add(name, it);
    return json;
  }

  /** @returns the reference to it */
  add(name: string, schema: JsonSchema): JsonSchema {
    const known = this.#schemas.get(name);
    if (known && !isDeepStrictEqual(known, schema))
      throw new Error(`two different schemas are called ${name}: give one of them another name`);
    this.#schemas.set(name, schema);
    return { $ref: BASE + name };
  }

  /** A shape that is derived from others: under the name of a declared one that is the same, else under its own. */
  derived(name: string, schema: JsonSchema): JsonSchema {
    for (const [other, known] of this.#schemas)
      if (!this.#derived.has(other) && isDeepStrictEqual(withoutWords(known), withoutWords(schema)))
        return { $ref: BASE + other };
    this.#derived.add(name);
    return this.add(name, schema);
  }

  /** What a reference leads to; other schemas as they are. */
  resolve(schema: JsonSchema): JsonSchema {
    const name = nameOf(schema);
    return (name === undefined ? undefined : this.#schemas.get(name)) ?? schema;
  }

  /** By name, in alphabetical order. */
  all(): Record<string, JsonSchema> {
    const names = [...this.#schemas.keys()].sort();
    return Object.fromEntries(names.map((name) => [name, this.#schemas.get(name) ?? {}]));
  }
}

/** The name that a reference leads to. */
export const nameOf = ({ $ref }: JsonSchema): string | undefined =>
  typeof $ref === "string" && $ref.startsWith(BASE) ? $ref.slice(BASE.length) : undefined;

/** `orders.place` and `order-page` as the name of a type: `OrdersPlace`, `OrderPage`. */
export const typeName = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");

const withoutWords = ({ description: _, examples: __, ...rest }: JsonSchema): JsonSchema => rest;

/** Zod's references lead to `$defs`. */
function pointed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(pointed) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [
      key,
      key === "$ref" && typeof it === "string" ? it.replace("#/$defs/", BASE) : pointed(it),
    ]),
  ) as T;
}
