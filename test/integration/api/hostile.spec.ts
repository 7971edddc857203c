import assert from "node:assert/strict";
import fc from "fast-check";
import { API_BASE, apiRoutes } from "../../../broker/http/api-route.ts";
import core from "../../../services/index.ts";
import { raw, startGateway, type TestGateway } from "./support.ts";

describe("hostile requests", () => {
  let gateway: TestGateway;
  const errors: unknown[][] = [];
  const routes = apiRoutes(core.contracts).filter((it) => it.produces !== "text/event-stream");

  before(async () => {
    gateway = await startGateway({ errors });
  });
  after(() => gateway.stop());

  const nasty = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      -1,
      1e308,
      0.1,
      "",
      " ",
      "\u0000",
      "'; DROP TABLE",
      "../../etc/passwd",
      "<script>",
      "#{7*7}",
      "a".repeat(5_000),
      { $ne: null },
      { $gt: "" },
      { $where: "sleep(1000)" },
      [],
      [[]],
      ["a", "a"],
      { length: 1e9 },
      "__proto__",
      "😀",
      "\ud800",
      "0x10",
      "1e3",
      Number.MAX_SAFE_INTEGER,
      "9".repeat(400),
      { toString: null, valueOf: null },
    ),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const names = fc.constantFrom(
    "id",
    "sku",
    "email",
    "password",
    "name",
    "quantity",
    "payment",
    "shippingAddress",
    "limit",
    "cursor",
    "q",
    "status",
    "all",
    "__proto__",
    "constructor",
    "$where",
    "roles",
    "a.b",
    "",
    "hasOwnProperty",
    "toJSON",
  );
  const bodies = fc.oneof(
    fc.dictionary(names, nasty).map((it) => JSON.stringify(it)),
    nasty.map((it) => JSON.stringify(it)),
    fc.string(),
  );
  const segments = fc.oneof(
    fc.constantFrom(
      "x",
      "%00",
      "%2e%2e%2f",
      "%ff",
      "..",
      ".",
      "%",
      "~",
      "a".repeat(300),
      "%F0%9F%98%80",
      "-1",
      "null",
      "$ne",
      ";",
    ),
    fc.uuid(),
  );
  const headers = fc.record(
    {
      "if-match": fc.constantFrom('"1"', "*", "x", '"', 'W/"1"'),
      "if-none-match": fc.constantFrom('"1"', "*", "x", ",,,"),
      "idempotency-key": fc.constantFrom("k", '""', '"a b"', "x".repeat(300)),
      prefer: fc.constantFrom("wait=1", "wait=", "wait=99999999999", ",;=,"),
      "x-cart-id": fc.constantFrom("x", "", "0190f3a0-0000-7000-8000-000000000000"),
      accept: fc.constantFrom("*/*", "text/*", ";q", "application/json;q=0", ",,"),
      traceparent: fc.constantFrom("x", "00-0-0-0"),
      "x-request-id": fc.constantFrom("x", "<>", "a".repeat(500)),
      range: fc.constant("bytes=0-"),
      "content-type": fc.constantFrom(
        "application/json",
        "text/plain",
        "application/json; charset=utf-16",
        "x",
      ),
    },
    { requiredKeys: [] },
  );

  it("never make the gateway fail: each gets an answer below 500, as a problem where it is refused", async () => {
    const authorization = `Bearer ${await gateway.token(["admin", "customer"])}`;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(segments, { minLength: 3, maxLength: 3 }),
        fc.dictionary(names, fc.string({ maxLength: 20 }), { maxKeys: 3 }),
        bodies,
        headers,
        fc.boolean(),
        async (route, ids, query, body, extra, signedIn) => {
          let i = 0;
          const path = API_BASE + route.pattern.replaceAll(/:[^/]+/g, () => ids[i++] ?? "x");
          const search = new URLSearchParams(query).toString();
          const reply = await gateway.send(
            route.method,
            `${path}${search ? `?${search}` : ""}`,
            route.method === "GET" ? undefined : body,
            {
              ...extra,
              ...(signedIn ? { authorization } : {}),
            },
          );
          const shown = `${route.method} ${path}?${search} ${body}: ${reply.status} ${reply.text}`;
          assert.ok(reply.status < 500, shown);
          if (reply.status >= 400) {
            assert.equal(reply.headers.get("content-type"), "application/problem+json", shown);
            assert.equal(reply.body.status, reply.status);
          }
          if (reply.status === 422) assert.ok(reply.body.errors?.length > 0, shown);
        },
      ),
      { numRuns: 400 },
    );
    assert.deepEqual(errors, []);
  }).timeout(60_000);

  it("as bytes never make it fall", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((it) => Buffer.from(it)),
      fc
        .tuple(
          fc.constantFrom("GET", "POST", "PUT", "BREW", "get", ""),
          fc.webPath(),
          fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", ""),
          fc.string(),
        )
        .map(([method, path, version, rest]) =>
          Buffer.from(`${method} ${path} ${version}\r\nHost: x\r\nConnection: close\r\n${rest}\r\n\r\n`),
        ),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (it) => {
        const answer = await raw(gateway.url, it, 40);
        assert.ok(answer === "" || /^HTTP\/1\.1 [234]\d\d /.test(answer), answer);
      }),
      { numRuns: 60 },
    );
    assert.equal((await gateway.get("/health/live")).status, 200);
    assert.deepEqual(errors, []);
  }).timeout(60_000);
});
