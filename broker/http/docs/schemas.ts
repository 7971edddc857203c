/** What a document describes once and refers to by name, mainly schemas. */
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { DeclaredFields } from "../../contract/fields.ts";
import { type Direction, type JsonSchema, jsonSchema } from "./json-schema.ts";

/** Named items of one kind. */
export class Store {
  readonly #base: string;
  readonly #known = new Map<string, JsonSchema>();

  /** @param kind the name in documents: `schemas`, `responses` */
  constructor(kind: string) {
    this.#base = `#/components/${kind}/`;
  }

  /**
   * @returns the reference to it
   * @throws where the name already means something else
   */
  add(name: string, value: JsonSchema): JsonSchema {
    const known = this.#known.get(name);
    if (known && !isDeepStrictEqual(known, value))
      throw new Error(`two different things are called ${name}: give one of them another name`);
    this.#known.set(name, value);
    return { $ref: this.#base + name };
  }

  get(name: string): JsonSchema | undefined {
    return this.#known.get(name);
  }

  /** The name in a reference, where it points here. */
  nameOf({ $ref }: JsonSchema): string | undefined {
    return typeof $ref === "string" && $ref.startsWith(this.#base)
      ? $ref.slice(this.#base.length)
      : undefined;
  }

  /** The target of a reference, with the members beside the reference. Other values stay unchanged. */
  resolve(value: JsonSchema): JsonSchema {
    const name = this.nameOf(value);
    const found = name === undefined ? undefined : this.#known.get(name);
    if (!found) return value;
    const { $ref: _, ...beside } = value;
    return { ...found, ...beside };
  }

  /** @returns the reference to the first item that is accepted */
  find(accepts: (value: JsonSchema, name: string) => boolean): JsonSchema | undefined {
    for (const [name, value] of this.#known) if (accepts(value, name)) return { $ref: this.#base + name };
    return undefined;
  }

  /** In alphabetical order. */
  all(): Record<string, JsonSchema> {
    const byName = [...this.#known].sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(byName);
  }
}

/** The schemas of a document. Each named shape appears once. */
export class Schemas extends Store {
  readonly #derived = new Set<string>();
  readonly #shown = new Set<string>();
  readonly #fields: DeclaredFields;
  readonly #made = { input: new Map<z.ZodType, JsonSchema>(), output: new Map<z.ZodType, JsonSchema>() };

  /** @param fields that extensions keep with things of others */
  constructor(fields: DeclaredFields = {}) {
    super("schemas");
    this.#fields = fields;
  }

  /**
   * The schema as it stands in the document. What callers get says nothing of other fields: later versions may add some.
   * So a shape that is both given and taken has to be known as given first.
   * @throws where a name has two meanings, as for a shape that has defaults and is both taken and given
   */
  of(schema: z.ZodType, io: Direction): JsonSchema {
    const made = this.#made[io].get(schema) ?? this.#make(schema, io);
    this.#made[io].set(schema, made);
    return made;
  }

  #make(schema: z.ZodType, io: Direction): JsonSchema {
    const { $defs = {}, ...json } = pointed(jsonSchema(schema, io, this.#fields));
    for (const [name, it] of Object.entries($defs as Record<string, JsonSchema>)) {
      if (io === "output") this.#shown.add(name);
      this.add(name, this.#shown.has(name) ? opened(it) : it);
    }
    return io === "output" ? opened(json) : json;
  }

  /** A derived shape: under the name of an equal declared one, else under its own name. */
  derived(name: string, schema: JsonSchema): JsonSchema {
    const same = this.find(
      (it, other) => !this.#derived.has(other) && isDeepStrictEqual(withoutWords(it), withoutWords(schema)),
    );
    if (same) return same;
    this.#derived.add(name);
    return this.add(name, schema);
  }
}

/** Turns `orders.place` and `ORDER_NOT_PAYABLE` into type names: `OrdersPlace`, `OrderNotPayable`. */
export const typeName = (text: string): string =>
  (/^[A-Z0-9_]+$/.test(text) ? text.toLowerCase() : text)
    .split(/[^A-Za-z0-9]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");

const withoutWords = ({ description: _, examples: __, ...rest }: JsonSchema): JsonSchema => opened(rest);

/** Without a word on unknown fields. */
function opened<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(opened) as T;
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, it]) => key !== "additionalProperties" || it !== false);
  return Object.fromEntries(kept.map(([key, it]) => [key, opened(it)])) as T;
}

/** Rewrites zod's references, which point to `$defs`. */
function pointed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(pointed) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [
      key,
      key === "$ref" && typeof it === "string"
        ? it.replace("#/$defs/", "#/components/schemas/")
        : pointed(it),
    ]),
  ) as T;
}
