/** JSON Schema of a contract's zod schema, for an OpenAPI or AsyncAPI document. */
import { z } from "zod";
import { addConditions, CONDITIONS } from "../../contract/conditions.ts";
import { type DeclaredFields, fieldsBehind } from "../../contract/fields.ts";

export type JsonSchema = { [key: string]: unknown };

/** What callers send, or what they get. The two differ in defaults. */
export type Direction = "input" | "output";

const MAX_INT32 = 2 ** 31 - 1;

/** Named shapes (`.meta({ id })`) go to `$defs`. */
export function jsonSchema(schema: z.ZodType, io: Direction, fields: DeclaredFields = {}): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
    override: ({ zodSchema, jsonSchema: made }) => {
      describeFields(zodSchema, made, io, fields);
      addConditions(zodSchema, made);
      // By default, generated clients of many languages use 32 bits.
      if (made.type === "integer" && Number(made.maximum) > MAX_INT32) made.format = "int64";
    },
  });
  return rest;
}

/** Fields of extensions: those that are declared. Clients may send no others, and may be shown others. */
function describeFields(schema: object, made: JsonSchema, io: Direction, fields: DeclaredFields): void {
  const declared = fieldsBehind(schema, fields);
  if (declared === undefined) return;
  delete made.propertyNames;
  made.additionalProperties = io === "input" ? false : { type: "object" };
  const properties = Object.entries(declared).map(([name, it]) => [name, jsonSchema(it, io)]);
  if (properties.length > 0) made.properties = Object.fromEntries(properties);
}

export interface ObjectSchema {
  properties: Record<string, JsonSchema>;
  required: readonly string[];
  /** A complete example, where the contract has one. */
  example?: object;
  /** What refinements check. */
  conditions: readonly string[];
}

/** @throws when it is no object, because parameters need names */
export function fieldsOf(name: string, json: JsonSchema): ObjectSchema {
  if (json.type !== "object") throw new Error(`${name}: parameters must be an object`);
  return {
    properties: (json.properties ?? {}) as Record<string, JsonSchema>,
    required: (json.required ?? []) as string[],
    conditions: (json[CONDITIONS] ?? []) as string[],
    ...(Array.isArray(json.examples) ? { example: json.examples[0] as object } : {}),
  };
}
