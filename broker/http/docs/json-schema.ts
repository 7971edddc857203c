/** JSON Schema of a contract's zod schema, ready to stand inside an OpenAPI or AsyncAPI document. */
import { z } from "zod";

export type JsonSchema = { [key: string]: unknown };

/** What callers send, or what they get: they differ by defaults. */
export type Direction = "input" | "output";

const MAX_INT32 = 2 ** 31 - 1;

/** Named shapes (`.meta({ id })`) stand in `$defs`. */
export function jsonSchema(schema: z.ZodType, io: Direction): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
    override: ({ jsonSchema: made }) => {
      // Generated clients of many languages take 32 bits unless told.
      if (made.type === "integer" && Number(made.maximum) > MAX_INT32) made.format = "int64";
    },
  });
  return rest;
}

export interface ObjectSchema {
  properties: Record<string, JsonSchema>;
  required: readonly string[];
  /** A whole one, where the contract gives it. */
  example?: object;
}

/** @throws when it is no object: parameters could not be told apart by name */
export function fieldsOf(name: string, json: JsonSchema): ObjectSchema {
  if (json.type !== "object") throw new Error(`${name}: parameters must be an object`);
  return {
    properties: (json.properties ?? {}) as Record<string, JsonSchema>,
    required: (json.required ?? []) as string[],
    ...(Array.isArray(json.examples) ? { example: json.examples[0] as object } : {}),
  };
}
