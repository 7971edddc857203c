import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { API_BASE, apiRoutes } from "../../../broker/http/api-route.ts";
import { asyncapi } from "../../../broker/http/docs/asyncapi.ts";
import { openapi } from "../../../broker/http/docs/openapi.ts";
import { stateDiagram } from "../../../broker/http/docs/state-diagram.ts";
import { generatedDocs } from "../../../scripts/docs.ts";
import { routeHeaders } from "../../../services/api/route-headers.ts";
import core from "../../../services/index.ts";

type Operations = Record<
  string,
  Record<string, { operationId: string; parameters: object[]; responses: object }>
>;

describe("the generated docs", () => {
  const document = openapi(core.contracts, routeHeaders);
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

  it("describe every route of every contract once, and nothing else", () => {
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, it]) => `${method.toUpperCase()} ${path} ${it.operationId}`),
    );
    const declared = apiRoutes(core.contracts).map(
      (it) => `${it.method} ${it.pattern.replaceAll(/:([^/]+)/g, "{$1}")} ${it.action}`,
    );
    assert.deepEqual(described.sort(), declared.sort());
    assert.deepEqual(document.servers, [{ url: API_BASE }]);
  });

  it("give every operation an id of its own, and no parameter twice", () => {
    const operations = Object.values(paths).flatMap((it) => Object.values(it));
    const ids = operations.map((it) => it.operationId);
    assert.equal(new Set(ids).size, ids.length);
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

  it("describe every message but timers once, with its data", () => {
    const { channels, components } = asyncapi(core.contracts) as {
      channels: Record<string, object>;
      components: { messages: Record<string, { payload: { properties: { data: { type?: string } } } }> };
    };
    const types = core.contracts
      .flatMap((it) => Object.entries(it.messages))
      .flatMap(([type, { kind }]) => (kind === "timer" ? [] : [type]))
      .sort();
    assert.deepEqual(Object.keys(channels).sort(), types);
    for (const type of types) assert.ok(components.messages[type]?.payload.properties.data, type);
  });

  it("draw a machine's moves, and say what is ignored and why", () => {
    const drawn = stateDiagram({
      name: "door",
      final: ["gone"],
      table: {
        none: { build: { to: ["shut"] } },
        shut: { open: { to: ["open", "shut"] }, build: { ignore: "it is there already" } },
        open: { burn: { to: ["gone"] }, rust: { to: ["gone"] } },
      },
    });
    for (const line of [
      "  [*] --> shut: build",
      "  shut --> open: open",
      "  open --> gone: burn, rust",
      "  gone --> [*]",
      "| shut | `build` | it is there already |",
    ])
      assert.ok(drawn.includes(`${line}\n`), line);
    assert.ok(!drawn.includes("shut --> shut"));
  });
});
