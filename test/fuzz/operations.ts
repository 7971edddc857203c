/** The routes of `docs/openapi.json`: what they take, and a check of what they answer. */
import { readFileSync } from "node:fs";
import { ajv2020 } from "../support/schemas/ajv.ts";
import { closed, inlined } from "../support/schemas/inlined-schema.ts";
import type { Schema } from "./values.ts";

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

/** @returns what does not fit; empty when all does */
export type Check = (value: unknown) => string;

export interface BodyOfType {
  schema: Schema;
  /** Whole ones. */
  examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  id: string;
  method: string;
  /** With its base: `/api/v1/orders/{id}`. */
  path: string;
  parameters: readonly Parameter[];
  /** Of each media type that it takes. */
  bodies: ReadonlyMap<string, BodyOfType>;
  /** Of each status, of each media type that it may answer with. */
  answers: ReadonlyMap<number, ReadonlyMap<string, Check>>;
  /** Of each status, its headers in lower case. */
  headers: ReadonlyMap<number, ReadonlySet<string>>;
}

interface Content {
  content?: Record<string, BodyOfType>;
  headers?: Record<string, object>;
}

interface Document {
  servers: readonly { url: string }[];
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        parameters: Parameter[];
        requestBody?: Content;
        responses: Record<string, Content>;
      }
    >
  >;
  components: { parameters: Record<string, Parameter>; schemas: Record<string, Schema> };
}

export interface Api {
  operations: readonly Operation[];
  /** Of any refusal. */
  problem: Check;
}

export function readApi(file = "docs/openapi.json"): Api {
  const document: Document = JSON.parse(readFileSync(file, "utf8"));
  const ajv = ajv2020();
  const checkOf = (schema: Schema): Check => {
    // What is not documented is a fault of the document, although clients have to bear it.
    const validate = ajv.compile(closed(schema));
    return (value) => (validate(value) ? "" : ajv.errorsText(validate.errors, { dataVar: "" }).slice(0, 500));
  };
  const base = document.servers[0]?.url ?? "";
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(inlined(methods, document)).map(
      ([method, { operationId, parameters, requestBody, responses }]): Operation => ({
        id: operationId,
        method: method.toUpperCase(),
        path: base + path,
        parameters,
        bodies: new Map(Object.entries(requestBody?.content ?? {})),
        answers: new Map(
          Object.entries(responses).map(([status, { content = {} }]) => [
            Number(status),
            new Map(Object.entries(content).map(([type, it]) => [type, checkOf(it.schema)])),
          ]),
        ),
        headers: new Map(
          Object.entries(responses).map(([status, { headers = {} }]) => [
            Number(status),
            new Set(Object.keys(headers).map((it) => it.toLowerCase())),
          ]),
        ),
      }),
    ),
  );
  return { operations, problem: checkOf(inlined({ $ref: "#/components/schemas/Problem" }, document)) };
}
