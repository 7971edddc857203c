/** The API's description is complete for a stranger: text everywhere, and valid examples. */
import assert from "node:assert/strict";
import { apiRoutes } from "../../../broker/http/api-route.ts";
import type { JsonSchema } from "../../../broker/http/docs/json-schema.ts";
import { openapi } from "../../../broker/http/docs/openapi/document.ts";
import { operationIdOf } from "../../../broker/http/docs/openapi/operation-id.ts";
import core from "../../../services/index.ts";
import { ajv2020 } from "../../support/schemas/ajv.ts";
import { inlined } from "../../support/schemas/inlined-schema.ts";

interface Described {
  description?: string;
}
interface Media {
  schema: JsonSchema;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation extends Described {
  operationId: string;
  summary: string;
  tags: string[];
  security: object[];
  parameters: (Described & { name: string; example?: unknown; schema: JsonSchema })[];
  requestBody?: Described & { content: Record<string, Media> };
  responses: Record<
    string,
    Described & { headers?: Record<string, Described & Media>; content?: Record<string, Media> }
  >;
}

const document = openapi(core.contracts);
/** Without references: what a reader sees. */
const operations = Object.values(document.paths as Record<string, Record<string, unknown>>)
  .flatMap((it) => Object.values(it))
  .map((it) => inlined(it, document) as Operation);

const FILES = [
  "application/pdf",
  "application/xml",
  "text/csv",
  "application/jsonl",
  "image/jpeg",
  "image/png",
  "image/webp",
  "*/*",
];

const ajv = ajv2020();
const compiled = new Map<string, ReturnType<typeof ajv.compile>>();

function flawOf(schema: JsonSchema, value: unknown): string {
  const key = JSON.stringify(schema);
  const validate = compiled.get(key) ?? ajv.compile(schema);
  compiled.set(key, validate);
  return validate(value) ? "" : ajv.errorsText(validate.errors);
}

/** All bodies, with where they stand. */
const bodies = operations.flatMap(({ operationId, requestBody, responses }) => [
  ...Object.entries(requestBody?.content ?? {}).map(([type, it]) => ({
    at: `${operationId} ${type}`,
    type,
    it,
  })),
  ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, it]) => ({ at: `${operationId} ${status} ${type}`, type, it })),
  ),
]);

describe("The API's description", () => {
  it("has words for every operation, tag, parameter, header, body and reply", () => {
    const tags = new Map(
      (document.tags as { name: string; description?: string }[]).map((it) => [it.name, it]),
    );
    const silent: string[] = [];
    for (const { operationId, summary, tags: own, parameters, requestBody, responses } of operations) {
      const need = (what: string, text: string | undefined) => {
        if (!text || text.length < 3) silent.push(`${operationId}: ${what}`);
      };
      need("summary", summary);
      for (const tag of own) need(`tag ${tag}`, tags.get(tag)?.description);
      for (const { name, description } of parameters) need(`parameter ${name}`, description);
      if (requestBody) need("body", requestBody.description);
      for (const [status, { description, headers = {} }] of Object.entries(responses)) {
        need(status, description);
        for (const [name, header] of Object.entries(headers)) need(`${status} ${name}`, header.description);
      }
    }
    assert.deepEqual(silent, []);
    assert.ok(operations.length > 50, String(operations.length));
  });

  it("has short summaries, and says more apart from them", () => {
    const long = operations.filter(({ summary }) => summary.length > 70 || /[.;:]/.test(summary));
    assert.deepEqual(
      long.map((it) => it.summary),
      [],
    );
    assert.ok(operations.filter((it) => it.description).length > 40);
  });

  it("has a description for each named schema, with what refinements check", () => {
    const { schemas } = document.components as { schemas: Record<string, Described> };
    assert.deepEqual(
      Object.keys(schemas).filter((name) => !schemas[name]?.description),
      [],
    );
    assert.equal(
      schemas.PlaceOrder?.description,
      "What `placeOrder` takes; shippingAddress: give either shippingAddress or addressId",
    );
  });

  it("has an example for each body, but for files and what providers sign", () => {
    const without = bodies.filter(
      ({ type, it }) => it.example === undefined && !it.examples && !FILES.includes(type),
    );
    assert.deepEqual(
      without.map((it) => it.at),
      [],
    );
  });

  it("has examples that fit their schemas", () => {
    const examples = bodies.flatMap(({ at, it }) =>
      [it.example, ...Object.values(it.examples ?? {}).map(({ value }) => value)]
        .filter((value) => value !== undefined)
        .map((value) => ({ at, schema: it.schema, value })),
    );
    assert.ok(examples.length > 300, String(examples.length));
    assert.deepEqual(
      examples.map(({ at, schema, value }) => [at, flawOf(schema, value)]).filter(([, flaw]) => flaw),
      [],
    );
  });

  it("has examples of parts and parameters that fit, too", () => {
    const found: string[] = [];
    let tried = 0;
    const visit = (value: unknown, at: string): void => {
      if (typeof value !== "object" || value === null) return;
      const schema = value as JsonSchema;
      if (Array.isArray(schema.examples) && ("type" in schema || "anyOf" in schema))
        for (const example of schema.examples) {
          tried++;
          const flaw = flawOf(schema, example);
          if (flaw) found.push(`${at}: ${flaw}`);
        }
      for (const [key, it] of Object.entries(value)) visit(it, `${at}/${key}`);
    };
    visit(inlined((document.components as { schemas: unknown }).schemas, document), "schemas");
    for (const { operationId, parameters } of operations) visit(parameters, operationId);
    assert.ok(tried > 100, String(tried));
    assert.deepEqual(found, []);
  });

  it("has examples of requests that the contracts take", () => {
    const refused: string[] = [];
    for (const route of apiRoutes(core.contracts)) {
      const operation = operations.find((it) => it.operationId === operationIdOf(route));
      const body = operation?.requestBody?.content["application/json"];
      if (!operation || !body) continue;
      const path = Object.fromEntries(
        operation.parameters
          .filter((it) => "in" in it && it.in === "path")
          .map((it) => [it.name, pathValue(it.schema)]),
      );
      for (const { value } of Object.values(body.examples ?? {})) {
        const { success, error } = route.contract.params.safeParse({ ...path, ...(value as object) });
        if (!success) refused.push(`${operation.operationId}: ${error.message}`);
      }
    }
    assert.deepEqual(refused, []);
  });
});

const pathValue = ({ examples, anyOf }: JsonSchema): unknown =>
  Array.isArray(examples) ? examples[0] : pathValue((anyOf as JsonSchema[])[0] ?? {});
