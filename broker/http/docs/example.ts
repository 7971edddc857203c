/** Examples of whole bodies: the contract's own, or built from the examples of the parts. */

import type { JsonSchema } from "./json-schema.ts";
import type { Schemas } from "./schemas.ts";

/** @returns undefined where a required part has no example */
export function exampleOf(schema: JsonSchema, schemas: Schemas): unknown {
  const it = schemas.resolve(schema);
  if (Array.isArray(it.examples)) return it.examples[0];
  if ("const" in it) return it.const;
  if ("default" in it) return it.default;
  if (Array.isArray(it.enum)) return it.enum[0];
  if (Array.isArray(it.allOf)) return ofHalves(it.allOf as JsonSchema[], schemas);
  const options = (it.anyOf ?? it.oneOf) as JsonSchema[] | undefined;
  if (options) return options.map((one) => exampleOf(one, schemas)).find((one) => one !== undefined);
  if (it.type === "null" || (Array.isArray(it.type) && it.type.includes("null"))) return null;
  if (it.type === "boolean") return false;
  if (it.type === "array") return ofItems(it.items as JsonSchema, schemas);
  return it.type === "object" ? ofFields(it, schemas) : undefined;
}

function ofItems(items: JsonSchema, schemas: Schemas): unknown[] {
  const item = exampleOf(items, schemas);
  return item === undefined ? [] : [item];
}

function ofFields({ properties = {}, required = [] }: JsonSchema, schemas: Schemas): JsonSchema | undefined {
  const made: JsonSchema = {};
  for (const [name, field] of Object.entries(properties as Record<string, JsonSchema>)) {
    const value = exampleOf(field, schemas);
    if (value !== undefined) made[name] = value;
    else if ((required as string[]).includes(name)) return undefined;
  }
  return made;
}

function ofHalves(halves: readonly JsonSchema[], schemas: Schemas): JsonSchema | undefined {
  const made = halves.map((it) => exampleOf(it, schemas) as JsonSchema | undefined);
  return made.includes(undefined) ? undefined : Object.assign({}, ...made);
}
