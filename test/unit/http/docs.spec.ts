import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
import type { ActorContract } from "../../../broker/contract/contract.ts";
import { API_BASE, apiRoutes } from "../../../broker/http/api-route.ts";
import { asyncapi } from "../../../broker/http/docs/asyncapi.ts";
import type { JsonSchema } from "../../../broker/http/docs/json-schema.ts";
import { openapi } from "../../../broker/http/docs/openapi/document.ts";
import { operationIdOf } from "../../../broker/http/docs/openapi/operation-id.ts";
import { Schemas } from "../../../broker/http/docs/schemas.ts";
import { stateDiagram } from "../../../broker/http/docs/state-diagram.ts";
import { generatedDocs } from "../../../scripts/support/docs/generated-docs.ts";
import core from "../../../services/index.ts";
import { ajv2020, ajvDraft7 } from "../../support/schemas/ajv.ts";
import { inlined } from "../../support/schemas/inlined-schema.ts";

type Operations = Record<
  string,
  Record<
    string,
    {
      operationId: string;
      parameters: object[];
      requestBody?: { content: Record<string, { schema: JsonSchema }> };
      responses: object;
    }
  >
>;

const INLINE: ReadonlySet<string> = new Set(
  core.contracts.flatMap((it) => Object.values<ActorContract>(it.actors)).flatMap((it) => it.inline ?? []),
);

/** What a problem has beside the usual, and what a message says of its envelope. */
const PART = /^\/components\/(?:schemas\/\w+Problem|messages\/[\w.-]+\/payload)\/allOf\/1$/;
/** The options of a provider are a JSON Schema, in examples too. */
const EXAMPLE =
  /^\/components\/(?:schemas\/OfferedProvider\/examples\/0|examples\/OfferedProviderList\/value\/items\/0)\/options$/;

/** Where objects and enumerations stand that have no name. */
function unnamedShapes(value: unknown, at = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { properties, type, enum: values } = value as JsonSchema;
  const isShape = (type === "object" && properties !== undefined) || Array.isArray(values);
  const own = isShape && !/^\/components\/schemas\/\w+$/.test(at) ? [at] : [];
  return [...own, ...Object.entries(value).flatMap(([key, it]) => unnamedShapes(it, `${at}/${key}`))];
}

interface DescribedMessage {
  tags: { name: string }[];
  payload: JsonSchema;
  examples?: { payload: unknown }[];
}

describe("the generated docs", () => {
  const document = openapi(core.contracts);
  const paths = document.paths as Operations;

  it("are what the code makes of them now (else run: npm run docs)", async () => {
    for (const [path, content] of Object.entries(await generatedDocs())) {
      const written = await readFile(new URL(`../../../${path}`, import.meta.url), "utf8").catch(() => "");
      assert.ok(written === content, `${path} is stale: run npm run docs`);
    }
  });

  it("describe the API in valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.deepEqual({ valid, errors: errors ?? [] }, { valid: true, errors: [] });
  });

  it("describe the messages in valid AsyncAPI 3.0, each event with an example that fits", () => {
    const made = asyncapi(core.contracts);
    // The meta-schema brings draft 7 along.
    const ajv = ajvDraft7({ meta: false, validateSchema: false });
    const validate = ajv.compile(createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0.json"));
    assert.ok(validate(made), ajv.errorsText(validate.errors).slice(0, 2_000));
    const { messages } = made.components as { messages: Record<string, DescribedMessage> };
    const of2020 = ajv2020();
    let events = 0;
    for (const [type, { tags, payload, examples = [] }] of Object.entries(messages)) {
      if (tags[0]?.name !== "event") continue;
      events++;
      const fits = of2020.compile(inlined(payload, made));
      assert.equal(examples.length, 1, type);
      assert.ok(fits(examples[0]?.payload), `${type}: ${of2020.errorsText(fits.errors)}`);
    }
    assert.ok(events > 20, String(events));
  });

  it("describe every route of every contract once, and nothing else", () => {
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, it]) => `${method.toUpperCase()} ${path} ${it.operationId}`),
    );
    const declared = apiRoutes(core.contracts).map(
      (it) => `${it.method} ${it.pattern.replaceAll(/:([^/]+)/g, "{$1}")} ${operationIdOf(it)}`,
    );
    assert.deepEqual(described.sort(), declared.sort());
    assert.deepEqual(
      (document.servers as { url: string }[]).map((it) => it.url),
      [API_BASE],
    );
  });

  it("give every operation an id of its own, and no parameter twice", () => {
    const operations = Object.values(paths).flatMap((it) => Object.values(it));
    const ids = operations.map((it) => it.operationId);
    assert.equal(new Set(ids.map((it) => it.toLowerCase())).size, ids.length);
    for (const id of ids) assert.match(id, /^[a-z]+(?:[A-Z][a-z]+)*$/);
    for (const { operationId, parameters } of operations) {
      const keys = parameters.map((it) => JSON.stringify(it));
      assert.equal(new Set(keys).size, keys.length, operationId);
    }
  });

  it("point to nothing that is not there", () => {
    for (const made of [document, asyncapi(core.contracts)])
      for (const [, pointer = ""] of JSON.stringify(made).matchAll(/"\$ref":"#([^"]+)"/g)) {
        let at: unknown = made;
        for (const key of pointer.slice(1).split("/"))
          at = (at as Record<string, unknown> | undefined)?.[key];
        assert.ok(at, `${pointer} leads nowhere`);
      }
  });

  it("describe every message that is on the bus once, with its data", () => {
    const { channels, components } = asyncapi(core.contracts) as {
      channels: Record<string, object>;
      components: {
        messages: Record<string, { payload: { allOf: [JsonSchema, { properties: { data: JsonSchema } }] } }>;
      };
    };
    const types = core.contracts
      .flatMap((it) => Object.entries(it.messages))
      .flatMap(([type, { kind }]) => (kind === "timer" || INLINE.has(type) ? [] : [type]))
      .sort();
    assert.deepEqual(Object.keys(channels).sort(), types);
    for (const type of types) {
      const [envelope, own] = components.messages[type]?.payload.allOf ?? [];
      assert.deepEqual(envelope, { $ref: "#/components/schemas/CloudEvent" });
      assert.match(String(own?.properties.data.$ref), /^#\/components\/schemas\/[A-Z]/, type);
    }
  });

  it("have a named schema for each shape and each enumeration, and refer to it everywhere", () => {
    const named = ["Address", "Cart", "Delivery", "Money", "Order", "OrderLine", "Payment", "PlaceOrder"];
    const more = ["Problem", "Product", "Stock", "Variant", "OrderStatus", "OrderPage", "SessionList"];
    const { schemas } = document.components as { schemas: Record<string, JsonSchema> };
    for (const name of [...named, ...more]) assert.ok(schemas[name], name);
    for (const made of [document, asyncapi(core.contracts)])
      assert.deepEqual(
        unnamedShapes(made).filter((at) => !PART.test(at) && !EXAMPLE.test(at)),
        [],
      );
  });

  it("have one name for a shape that is taken at several places", () => {
    const body = (path: string, method: string) =>
      paths[path]?.[method]?.requestBody?.content["application/json"]?.schema;
    const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    assert.deepEqual(body("/users/me/addresses", "post"), reference("AddressInput"));
    assert.deepEqual(body("/users/me/addresses/{id}", "put"), reference("AddressInput"));
    assert.deepEqual(body("/products/{id}", "put"), reference("ProductInput"));
    assert.deepEqual(body("/orders/{id}/cancel", "post"), reference("CancelOrder"));
  });

  it("close what clients send, and leave open what they get: later versions may add fields", () => {
    const { schemas } = document.components as { schemas: Record<string, JsonSchema> };
    for (const name of ["PlaceOrder", "ProductInput", "PaymentChoice", "CancelOrder"])
      assert.equal(schemas[name]?.additionalProperties, false, name);
    for (const name of ["Order", "OrderLine", "Money", "Address", "Tokens", "OrderPage"])
      assert.equal(schemas[name]?.additionalProperties, undefined, name);
    assert.ok(!JSON.stringify(asyncapi(core.contracts)).includes('"additionalProperties":false'));
  });

  it("say by which field alternatives are told apart", () => {
    const { schemas } = document.components as { schemas: Record<string, JsonSchema> };
    assert.deepEqual(schemas.NextAction?.discriminator, {
      propertyName: "type",
      mapping: {
        redirect: "#/components/schemas/RedirectAction",
        client_secret: "#/components/schemas/ClientSecretAction",
        phone_prompt: "#/components/schemas/PhonePromptAction",
      },
    });
    for (const [name, { oneOf, discriminator }] of Object.entries(schemas))
      assert.equal(discriminator !== undefined, oneOf !== undefined, name);
  });

  it("refuse a name that means two things", () => {
    const schemas = new Schemas();
    const door = z.strictObject({ open: z.boolean() });
    schemas.of(door.meta({ id: "Door" }), "output");
    schemas.of(z.array(door.meta({ id: "Door" })), "input");
    const other = z.strictObject({
      door: z.strictObject({ open: z.boolean().default(false) }).meta({ id: "Gate" }),
    });
    schemas.of(other, "input");
    assert.throws(() => schemas.of(other, "output"), /two different things are called Gate/);
  });

  it("draw a machine's moves, and say what is ignored and why", () => {
    const door = {
      name: "door",
      final: ["gone"],
      table: {
        none: { build: { to: ["shut"] }, rust: { ignore: "there is nothing" } },
        shut: {
          open: { to: ["open", "shut"] },
          paint: { to: ["shut"] },
          build: { ignore: "it is there already" },
          buy: { ignore: "it is there already" },
        },
        open: {
          burn: { to: ["gone"] },
          rust: { to: ["gone"] },
          build: { ignore: "it is there already" },
          buy: { ignore: "it is there already" },
          paint: { ignore: "it would stick" },
        },
      },
    };
    const drawn = stateDiagram(door, ["rust"]);
    for (const line of [
      "  [*] --> shut: build",
      "  shut --> open: open",
      "  open --> gone: burn, a timer",
      "  gone --> [*]",
      "| shut | `open`, `paint` |",
      "| shut, open | `build`, `buy` | it is there already |",
      "| open | `paint` | it would stick |",
    ])
      assert.ok(drawn.includes(`${line}\n`), line);
    assert.ok(!drawn.includes("shut --> shut"));
    assert.ok(!drawn.includes("rust"));
  });

  it("have no timer, which is its actor's own", async () => {
    const timers = core.contracts.flatMap((it) =>
      Object.values(it.actors).flatMap((actor) => actor.timers ?? []),
    );
    assert.ok(timers.includes("order.expire"));
    for (const [path, text] of Object.entries(await generatedDocs()))
      for (const timer of timers)
        assert.doesNotMatch(text, new RegExp(`${timer.replace(".", "\\.")}(?![\\w.])`), path);
  });
});
