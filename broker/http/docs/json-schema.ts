/** JSON Schema of a contract's zod schema, ready to stand inside an OpenAPI or AsyncAPI document. */
import { z } from "zod";

export type JsonSchema = { [key: string]: unknown };

/** @param io `input` for what callers send, `output` for what they get */
export function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
  });
  return rest;
}

export interface ObjectSchema {
  properties: Record<string, JsonSchema>;
  required: readonly string[];
  /** A whole one, where the contract gives it. */
  example?: unknown;
}

/** @throws when a contract's parameters are no object: they could not be told apart by name */
export function objectSchema(name: string, schema: z.ZodType): ObjectSchema {
  const json = jsonSchema(schema, "input");
  if (json.type !== "object") throw new Error(`${name}: parameters must be an object`);
  return {
    properties: (json.properties ?? {}) as Record<string, JsonSchema>,
    required: (json.required ?? []) as string[],
    ...(Array.isArray(json.examples) ? { example: json.examples[0] } : {}),
  };
}
