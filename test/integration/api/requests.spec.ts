import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { securityHeaders } from "../../../broker/http/response-headers.ts";
import { type Reply, raw, startGateway, type TestGateway } from "./support.ts";

const ORIGIN = "http://shop.test";

type Operation = { responses: Record<string, { content?: Record<string, object> }> };
type Paths = Record<string, Record<string, Operation>>;

describe("the gateway answers", () => {
  let gateway: TestGateway;
  const errors: unknown[][] = [];
  const product = { id: newId(), slug: "lamp", version: 3, name: "Lamp" };
  const orderId = newId();
  let webhook: Record<string, unknown> | undefined;

  before(async () => {
    gateway = await startGateway({
      errors,
      env: { CORS_ORIGINS: ORIGIN },
      fakes: {
        "products.get": ({ params }) => {
          if (params.id === "missing") throw new SoukError("NOT_FOUND");
          if (params.id === "bug") throw new TypeError("secret at /srv/souk/file.ts");
          return product;
        },
        "products.create": () => product,
        "products.replace": ({ meta }) => {
          if (meta.ifMatch !== undefined && meta.ifMatch !== 3) throw new SoukError("VERSION_MISMATCH");
          return { ...product, version: 4 };
        },
        "products.list": () => ({ items: [product], nextCursor: null }),
        "cart.get": ({ meta }) => {
          const id = meta.cartId ?? newId();
          meta.$responseHeaders = { "X-Cart-Id": id };
          return { id, lines: [], total: { amount: 0, currency: "USD" }, notices: [] };
        },
        "cart.setItem": ({ params }) => params,
        "users.register": () => ({ user: { id: newId() } }),
        "orders.place": () => ({ id: orderId, version: 1 }),
        "orders.cancel": ({ params }) => params,
        "payments.webhook": ({ params }) => {
          webhook = params;
          return { received: true };
        },
        "payments.sandboxPage": () => "<!doctype html><p>Pay</p>",
        "payments.sandboxPay": ({ params }) => params,
      },
    });
  });
  beforeEach(() => {
    gateway.calls.length = 0;
    errors.length = 0;
  });
  after(() => gateway.stop());

  const called = () =>
    gateway.calls.filter((it) => !["users.jwks", "users.liveSessions"].includes(it.action));

  function assertProblem(reply: Reply, status: number, code: string, field?: string): void {
    assert.equal(reply.status, status, reply.text);
    assert.equal(reply.headers.get("content-type"), "application/problem+json");
    assert.equal(reply.body.code, code);
    assert.equal(reply.body.status, status);
    assert.match(reply.body.traceId, /^[0-9a-f]{32}$/);
    assert.equal(reply.body.type, `/docs/errors#${code}`);
    for (const name of ["title", "detail", "instance"]) assert.equal(typeof reply.body[name], "string");
    assertSecured(reply.headers);
    if (field !== undefined) assert.equal(reply.body.errors?.[0]?.field, field, reply.text);
  }

  function assertSecured(headers: Headers): void {
    for (const name of Object.keys(securityHeaders)) assert.ok(headers.get(name), `${name} is missing`);
  }

  describe("failures as problem documents:", () => {
    it("an unknown route, with a page behind the problem's type", async () => {
      for (const path of [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/products",
        "/api/v1/products/a/b",
        "/~node/list",
        "/api/rest",
      ])
        assertProblem(await gateway.get(path), 404, "ROUTE_NOT_FOUND");
      const page = await gateway.get("/docs/errors");
      assert.equal(page.status, 200);
      assert.ok(page.text.includes('id="ROUTE_NOT_FOUND"'));
    });

    it("the gateway's own actions and moleculer's can't be reached", async () => {
      for (const name of ["api.listAliases", "api.addRoute", "api.removeRoute", "api.rest"])
        await assert.rejects(gateway.broker.call(name), { type: "SERVICE_NOT_FOUND" }, name);
    });

    it("a wrong method, with those that there are", async () => {
      const reply = await gateway.send("DELETE", "/api/v1/orders");
      assertProblem(reply, 405, "METHOD_NOT_ALLOWED");
      assert.deepEqual(reply.headers.get("allow")?.split(", ").sort(), ["GET", "HEAD", "OPTIONS", "POST"]);
      assertProblem(await gateway.send("POST", "/docs"), 405, "METHOD_NOT_ALLOWED");
      assert.match(
        await raw(gateway.url, "TRACE /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        /^HTTP\/1.1 405 /,
      );
    });

    it("a reply that is not accepted", async () => {
      assertProblem(
        await gateway.get("/api/v1/products/lamp", { accept: "text/html" }),
        406,
        "NOT_ACCEPTABLE",
      );
      assert.equal((await gateway.get("/api/v1/products/lamp", { accept: "application/*" })).status, 200);
    });

    it("malformed JSON, with security and CORS headers, and nothing of the text", async () => {
      const reply = await gateway.send("POST", "/api/v1/auth/register", '{"email": secret', {
        "content-type": "application/json",
        origin: ORIGIN,
      });
      assertProblem(reply, 400, "MALFORMED_BODY");
      assert.equal(reply.headers.get("access-control-allow-origin"), ORIGIN);
      assert.ok(!reply.text.includes("secret"));
      assert.deepEqual(called(), []);
    });

    it("a body of another type, charset or encoding", async () => {
      const types = [
        "text/plain",
        "application/xml",
        "application/json; charset=latin1",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
      ];
      for (const type of types)
        assertProblem(
          await gateway.send("POST", "/api/v1/auth/register", "{}", { "content-type": type }),
          415,
          "UNSUPPORTED_MEDIA_TYPE",
        );
      const packed = await gateway.send("POST", "/api/v1/auth/register", "{}", {
        "content-type": "application/json",
        "content-encoding": "gzip",
      });
      assertProblem(packed, 415, "UNSUPPORTED_MEDIA_TYPE");
    });

    it("a body that is too large, whether it says so or not", async () => {
      const body = `{"name":"${"x".repeat(100_001)}"}`;
      assertProblem(
        await gateway.send("POST", "/api/v1/auth/register", body, { "content-type": "application/json" }),
        413,
        "BODY_TOO_LARGE",
      );
      const chunked = await fetch(`${gateway.url}/api/v1/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: Readable.toWeb(Readable.from([Buffer.from(body)])),
        duplex: "half",
      });
      assert.equal(chunked.status, 413);
      assert.deepEqual(called(), []);
    });

    it("a body on a route that takes none", async () => {
      assertProblem(await gateway.send("DELETE", "/api/v1/cart", { a: 1 }), 415, "UNSUPPORTED_MEDIA_TYPE");
    });

    it("fields that do not fit, by name, all of them", async () => {
      const reply = await gateway.send("POST", "/api/v1/auth/register", {
        email: "x",
        password: "short",
        name: "A",
      });
      assertProblem(reply, 422, "VALIDATION_FAILED");
      assert.deepEqual(reply.body.errors.map((it: { field: string }) => it.field).sort(), [
        "email",
        "password",
      ]);
    });

    it("unknown fields, by name: nobody makes himself an admin", async () => {
      const good = { email: "a@b.test", password: "long enough", name: "A" };
      for (const extra of ["roles", "isAdmin", "_id", "$set", "toString"]) {
        const reply = await gateway.send("POST", "/api/v1/auth/register", { ...good, [extra]: ["admin"] });
        assertProblem(reply, 422, "VALIDATION_FAILED", extra);
      }
      assert.deepEqual(called(), []);
    });

    it("names that reach a prototype, wherever they stand", async () => {
      const json = { "content-type": "application/json" };
      const bodies = ['{"__proto__":{"isAdmin":true}}', '{"a":{"constructor":{}}}', '{"\\u005f_proto__":1}'];
      for (const body of bodies)
        assertProblem(
          await gateway.send("POST", "/api/v1/auth/register", body, json),
          422,
          "VALIDATION_FAILED",
        );
      assertProblem(await gateway.get("/api/v1/products?__proto__=1"), 422, "VALIDATION_FAILED", "__proto__");
      assertProblem(
        await gateway.get("/api/v1/products?__proto__[isAdmin]=1"),
        422,
        "VALIDATION_FAILED",
        "__proto__[isAdmin]",
      );
      assert.equal(({} as Record<string, unknown>).isAdmin, undefined);
      assert.deepEqual(called(), []);
    });

    it("parameters that are given in two places or in the wrong one", async () => {
      assertProblem(
        await gateway.send("PUT", "/api/v1/cart/items/A1", { sku: "A2", quantity: 1 }),
        422,
        "VALIDATION_FAILED",
        "sku",
      );
      assertProblem(
        await gateway.send("PUT", "/api/v1/cart/items/A1?quantity=2", { quantity: 1 }),
        422,
        "VALIDATION_FAILED",
        "quantity",
      );
      assertProblem(
        await gateway.send("PUT", "/api/v1/cart/items/A1?quantity=2"),
        422,
        "VALIDATION_FAILED",
        "quantity",
      );
      assertProblem(await gateway.get("/api/v1/products/lamp?id=other"), 422, "VALIDATION_FAILED", "id");
      assertProblem(await gateway.get("/api/v1/products?limit=1&limit=2"), 422, "VALIDATION_FAILED", "limit");
      assertProblem(
        await gateway.get("/api/v1/products?limit[$gt]=1"),
        422,
        "VALIDATION_FAILED",
        "limit[$gt]",
      );
      assert.deepEqual(called(), []);
    });

    it("encoded slashes and broken encodings in a path", async () => {
      for (const path of ["a%2Fb", "%2e%2e%2f", "a%00b", "%E0%A4%A", "a%5cb"])
        assertProblem(await gateway.get(`/api/v1/products/${path}`), 422, "VALIDATION_FAILED", "id");
      assert.deepEqual(called(), []);
    });

    it("a bug as 500 without a word of it, and all of it in the log", async () => {
      const reply = await gateway.get("/api/v1/products/bug");
      assertProblem(reply, 500, "INTERNAL");
      assert.ok(!/secret|srv|TypeError|\.ts/.test(reply.text + JSON.stringify([...reply.headers])));
      const logged = JSON.stringify(errors);
      assert.ok(
        logged.includes("secret at /srv/souk/file.ts") && logged.includes(reply.body.traceId),
        logged,
      );
      assert.ok(logged.includes("requests.spec.ts"), "with its stack");
    });

    it("what the HTTP parser refuses, with security headers", async () => {
      const cases: [string, RegExp, string][] = [
        ["GARBAGE\r\n\r\n", /^HTTP\/1.1 400 /, "MALFORMED_REQUEST"],
        ["GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", /^HTTP\/1.1 400 /, "MALFORMED_REQUEST"],
        [
          `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
          /^HTTP\/1.1 431 /,
          "HEADERS_TOO_LARGE",
        ],
        [
          "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          /^HTTP\/1.1 400 /,
          "MALFORMED_REQUEST",
        ],
        [
          "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
          /^HTTP\/1.1 400 /,
          "MALFORMED_REQUEST",
        ],
        [
          "GET /api/v1/products HTTP/1.1\r\nConnection: close\r\n\r\n",
          /^HTTP\/1.1 400 /,
          "MALFORMED_REQUEST",
        ],
        [
          `GET /api/v1/products?q=${"a".repeat(9_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
          /^HTTP\/1.1 414 /,
          "URI_TOO_LONG",
        ],
        ...[
          "ftp://shop.test/api/v1/products",
          "http://ann:secret@shop.test/api/v1/products",
          "http:///api/v1/products",
          "http://[::1/api/v1/products",
          "http://shop.test:port/api/v1/products",
          "*",
          "/api/v1/products#top",
        ].map((target): [string, RegExp, string] => [
          `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
          /^HTTP\/1.1 400 /,
          "MALFORMED_REQUEST",
        ]),
        ...["Host: a\r\nHost: a", "Host: a\r\nhost: b", "Host: a/b", "Host: a b", "Host: ann@a"].map(
          (host): [string, RegExp, string] => [
            `GET /api/v1/products HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
            /^HTTP\/1.1 400 /,
            "MALFORMED_REQUEST",
          ],
        ),
        [
          "GET /api/v1/products HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nConnection: close\r\n\r\n",
          /^HTTP\/1.1 400 /,
          "MALFORMED_REQUEST",
        ],
      ];
      for (const [bytes, status, code] of cases) {
        const answer = await raw(gateway.url, bytes);
        const shown = `${bytes.slice(0, 60)} -> ${answer.slice(0, 300)}`;
        assert.match(answer, status, shown);
        assert.ok(answer.includes(`"code":"${code}"`), shown);
        assert.match(answer, /content-type: application\/problem\+json/i, shown);
        for (const name of Object.keys(securityHeaders))
          assert.ok(answer.includes(`${name}: `), `${name}: ${shown}`);
      }
    });

    it("whole addresses as request targets, as RFC 9112 asks; what else they name counts for nothing", async () => {
      const targets: [target: string, status: number, action: string | undefined][] = [
        ["http://shop.test/api/v1/products?limit=3", 200, "products.list"],
        ["HTTP://other.test:8080/api/v1/products?limit=3", 200, "products.list"],
        ["https://[2001:db8::1]:443/api/v1/products?limit=3", 200, "products.list"],
        ["http://shop.test/health/live", 200, undefined],
        ["http://shop.test//evil.test/api/v1/products", 404, undefined],
        ["http://shop.test/http://shop.test/api/v1/products", 404, undefined],
        ["//shop.test/api/v1/products", 404, undefined],
        ["http://shop.test", 200, undefined],
        ["http://shop.test?limit=3", 200, undefined],
      ];
      for (const [target, status, action] of targets) {
        const before = gateway.calls.length;
        const answer = await raw(
          gateway.url,
          `GET ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`,
        );
        assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${target}: ${answer.slice(0, 200)}`);
        const made = gateway.calls.slice(before);
        assert.deepEqual(
          made.map((it) => it.action),
          action ? [action] : [],
          target,
        );
        if (action) assert.deepEqual(made[0]?.params.limit, 3);
      }
      const options = "OPTIONS http://shop.test HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
      assert.match(await raw(gateway.url, options), /^HTTP\/1\.1 204 /);
    });

    it("a problem's instance is a reference, whatever bytes its path has (found by the fuzz)", async () => {
      for (const [path, instance] of [
        ["/api/v1/products/0<1^|", "/api/v1/products/0%3C1%5E%7C"],
        ["/api/v1/nothing/%zz%4", "/api/v1/nothing/%25zz%254"],
        ["//evil.test/x", "/.//evil.test/x"],
      ]) {
        const bytes = Buffer.from(`PURGE ${path} HTTP/1.1\r\n`, "latin1");
        const rest = Buffer.from("Host: x\r\nConnection: close\r\n\r\n");
        const answer = await raw(gateway.url, Buffer.concat([bytes, rest]));
        assert.equal(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).instance, instance, path);
      }
    });

    it("a problem's trace is the caller's own where it sends one", async () => {
      const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
      const reply = await gateway.get("/api/v1/products/missing", {
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      });
      assertProblem(reply, 404, "NOT_FOUND");
      assert.equal(reply.body.traceId, trace);
      assert.match(called()[0]?.meta.traceparent ?? "", new RegExp(`^00-${trace}-`));
    });
  });

  it("nothing, and goes on, when an upload breaks off", async () => {
    const answer = await raw(
      gateway.url,
      'POST /api/v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"em',
      100,
    );
    assert.equal(answer, "");
    assert.equal((await gateway.get("/health/live")).status, 200);
    assert.deepEqual(called(), []);
    assert.deepEqual(errors, []);
  });

  it("with the caller's request id where it is harmless, else with its own", async () => {
    const kept = await gateway.get("/api/v1/products/lamp", { "x-request-id": "abc-1" });
    assert.equal(kept.headers.get("x-request-id"), "abc-1");
    assert.equal(called()[0]?.meta.requestId, "abc-1");
    const replaced = await gateway.get("/api/v1/products/lamp", {
      "x-request-id": "<script>",
      "x-correlation-id": "evil",
    });
    assert.match(replaced.headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
  });

  describe("browsers", () => {
    it("of a listed origin only: equality, not likeness", async () => {
      const allowed = async (origin: string) =>
        (await gateway.get("/api/v1/products/lamp", { origin })).headers.get("access-control-allow-origin");
      assert.equal(await allowed(ORIGIN), ORIGIN);
      for (const origin of [
        "http://shop.tes",
        "http://shop.test.evil.test",
        "https://shop.test",
        "null",
        "http://shop.test:80",
      ])
        assert.equal(await allowed(origin), null, origin);
    });

    it("that ask first, without running the action", async () => {
      const ask = { origin: ORIGIN, "access-control-request-method": "PUT" };
      const reply = await gateway.send("OPTIONS", "/api/v1/products/lamp", undefined, ask);
      assert.equal(reply.status, 204);
      assert.equal(reply.headers.get("access-control-allow-origin"), ORIGIN);
      assert.ok(reply.headers.get("access-control-allow-methods")?.includes("PUT"));
      assert.ok(reply.headers.get("access-control-allow-headers")?.includes("Idempotency-Key"));
      const other = await gateway.send("OPTIONS", "/api/v1/products/lamp", undefined, {
        ...ask,
        origin: "http://evil.test",
      });
      assert.equal(other.headers.get("access-control-allow-origin"), null);
      assert.equal(other.headers.get("access-control-allow-methods"), null);
      assert.deepEqual(called(), []);
    });

    it("without credentials, and says that the reply depends on the origin", async () => {
      const { headers } = await gateway.get("/api/v1/products/lamp", { origin: ORIGIN });
      assert.equal(headers.get("access-control-allow-credentials"), null);
      assert.equal(headers.get("vary"), "Origin, Authorization");
    });
  });

  it("OPTIONS with what is allowed, and runs nothing", async () => {
    const reply = await gateway.send("OPTIONS", "/api/v1/products/lamp");
    assert.equal(reply.status, 204);
    assert.deepEqual(reply.headers.get("allow")?.split(", ").sort(), [
      "DELETE",
      "GET",
      "HEAD",
      "OPTIONS",
      "PATCH",
      "PUT",
    ]);
    assert.deepEqual(called(), []);
  });

  it("HEAD as GET, without the body", async () => {
    const got = await gateway.get("/api/v1/products/lamp");
    const head = await gateway.send("HEAD", "/api/v1/products/lamp");
    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    for (const name of ["etag", "content-length", "content-type"])
      assert.equal(head.headers.get(name), got.headers.get(name), name);
    assert.equal((await gateway.send("HEAD", "/api/v1/products/missing")).status, 404);
  });

  it("304 to a reader who is up to date, without a body", async () => {
    const tag = (await gateway.get("/api/v1/products/lamp")).headers.get("etag") ?? "";
    const strong = await gateway.get("/api/v1/products/lamp", { "if-none-match": tag });
    assert.deepEqual([strong.status, strong.text, strong.headers.get("etag")], [304, "", tag]);
    const list = await gateway.get("/api/v1/products");
    const again = await gateway.get("/api/v1/products", { "if-none-match": list.headers.get("etag") ?? "" });
    assert.equal(again.status, 304);
    assert.equal((await gateway.get("/api/v1/products/lamp", { "if-none-match": '"2"' })).status, 200);
  });

  it("a write with what it did, whatever If-None-Match says", async () => {
    const authorization = `Bearer ${await gateway.token(["staff"])}`;
    const body = { name: "Lamp", variants: [{ sku: "L1", price: { amount: 1, currency: "USD" } }] };
    const reply = await gateway.send("POST", "/api/v1/products", body, {
      authorization,
      "if-none-match": '"3"',
    });
    assert.equal(reply.status, 201);
    assert.equal(reply.headers.get("etag"), '"3"');
    assert.equal(reply.headers.get("location"), `/api/v1/products/${product.id}`);
  });

  it("a conditional write by the version that it names", async () => {
    const authorization = `Bearer ${await gateway.token(["staff"])}`;
    const body = { name: "Lamp", variants: [{ sku: "L1", price: { amount: 1, currency: "USD" } }] };
    const put = (ifMatch: string) =>
      gateway.send("PUT", `/api/v1/products/${product.id}`, body, { authorization, "if-match": ifMatch });
    const done = await put('"3"');
    assert.deepEqual([done.status, done.headers.get("etag")], [200, '"4"']);
    // The tag of a read has more than the version, which is what counts.
    const read = (await gateway.get("/api/v1/products/lamp")).headers.get("etag") ?? "";
    assert.equal((await put(read)).status, 200);
    assertProblem(await put(read.replace("3.", "2.")), 412, "VERSION_MISMATCH");
    assertProblem(await put('"2"'), 412, "VERSION_MISMATCH");
    assertProblem(await put('W/"3"'), 412, "VERSION_MISMATCH");
    assertProblem(await put("3"), 400, "MALFORMED_REQUEST");
    assert.equal((await put("*")).status, 200);
    // A resource without an entity tag can't match one.
    assertProblem(
      await gateway.send("PUT", "/api/v1/cart/items/A1", { quantity: 1 }, { "if-match": '"1"' }),
      412,
      "VERSION_MISMATCH",
    );
  });

  it("catalogue reads that anybody may keep, and a caller's own that only the caller may", async () => {
    const cache = async (path: string, headers = {}) =>
      (await gateway.get(path, headers)).headers.get("cache-control");
    assert.equal(await cache("/api/v1/products"), "public, no-cache");
    assert.equal(
      await cache("/api/v1/products", { authorization: `Bearer ${await gateway.token()}` }),
      "private, no-cache",
    );
    assert.equal(await cache("/api/v1/cart"), "private, no-cache");
    assert.equal(await cache("/api/v1/products/missing"), "no-store");
  });

  it("a guest's cart under its X-Cart-Id, and refuses one that is no id", async () => {
    const id = newId();
    const reply = await gateway.get("/api/v1/cart", { "x-cart-id": id });
    assert.equal(reply.headers.get("x-cart-id"), id);
    assert.equal(reply.body.id, id);
    assertProblem(
      await gateway.get("/api/v1/cart", { "x-cart-id": "1" }),
      422,
      "VALIDATION_FAILED",
      "X-Cart-Id",
    );
  });

  it("an order only to a request with an Idempotency-Key", async () => {
    const authorization = `Bearer ${await gateway.token()}`;
    const body = { addressId: newId(), payment: { provider: "sandbox" } };
    // A missing key is 400 before the body is read.
    assertProblem(
      await gateway.send("POST", "/api/v1/orders", "{", { authorization }),
      400,
      "IDEMPOTENCY_KEY_MISSING",
    );
    assertProblem(
      await gateway.send("POST", "/api/v1/orders", body, { authorization, "idempotency-key": '""' }),
      400,
      "IDEMPOTENCY_KEY_INVALID",
    );
    assert.deepEqual(called(), []);
    const reply = await gateway.send("POST", "/api/v1/orders", body, {
      authorization,
      "idempotency-key": '"k 1"',
      prefer: "wait=3",
    });
    assert.equal(reply.status, 201);
    assert.equal(reply.headers.get("location"), `/api/v1/orders/${orderId}`);
    const { meta } = called()[0] ?? assert.fail("the action was not called");
    assert.deepEqual([meta.idempotencyKey, meta.preferWait], ["k 1", 3]);
  });

  it("to a query's numbers and flags, which come as text", async () => {
    await gateway.get("/api/v1/products?limit=5&inStock=true&minPrice=100");
    assert.deepEqual(called()[0]?.params, { limit: 5, inStock: true, minPrice: 100 });
  });

  it("a POST without a body where nothing has to be said", async () => {
    const authorization = `Bearer ${await gateway.token()}`;
    const reply = await gateway.send("POST", `/api/v1/orders/${orderId}/cancel`, undefined, {
      authorization,
    });
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, { id: orderId });
  });

  it("a webhook by its bytes and headers, with whatever the provider signs by", async () => {
    const body = '{ "a" : 1,\n "é": "\\u00e9" }';
    const reply = await gateway.send("POST", "/api/v1/payments/webhooks/sandbox?source=x", body, {
      "content-type": "application/json",
      "X-Signature": "abc",
      authorization: "Basic provider",
      cookie: "a=b",
    });
    assert.equal(reply.status, 200, reply.text);
    assert.equal(Buffer.from(String(webhook?.body), "base64").toString(), body);
    const headers = webhook?.headers as Record<string, string>;
    assert.deepEqual(
      [headers["x-signature"], headers.authorization, headers.cookie],
      ["abc", "Basic provider", undefined],
    );
    assert.equal(webhook?.provider, "sandbox");
    const large = await gateway.send("POST", "/api/v1/payments/webhooks/sandbox", "x".repeat(900_000));
    assert.equal(large.status, 200);
    assertProblem(
      await gateway.send("POST", "/api/v1/payments/webhooks/sandbox", "x".repeat(1_000_001)),
      413,
      "BODY_TOO_LARGE",
    );
  });

  it("an HTML page with a policy that runs no script, and takes its form", async () => {
    const page = await gateway.get("/api/v1/sandbox/pay/abc", { accept: "text/html" });
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.doesNotMatch(page.headers.get("content-security-policy") ?? "", /script-src/);
    const paid = await gateway.send("POST", "/api/v1/sandbox/pay/abc", "outcome=succeed", {
      "content-type": "application/x-www-form-urlencoded",
    });
    assert.equal(paid.status, 202, paid.text);
    assert.equal(paid.body.outcome, "succeed");
  });

  it("pages for people and machines: docs without anything from elsewhere, OpenAPI, AsyncAPI; no metrics", async () => {
    const docs = await gateway.get("/docs");
    assert.equal(docs.status, 200);
    assert.doesNotMatch(docs.text, /https?:|<script>|onload|style=/);
    const policy = docs.headers.get("content-security-policy") ?? "";
    assert.match(policy, /script-src 'self';/);
    for (const [, path = ""] of docs.text.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g))
      assert.equal((await gateway.get(path)).status, 200, path);
    const openapi = await gateway.get("/openapi.json");
    assert.equal(openapi.body.openapi, "3.1.0");
    const again = await gateway.get("/openapi.json", { "if-none-match": openapi.headers.get("etag") ?? "" });
    assert.equal(again.status, 304);
    assert.equal((await gateway.get("/asyncapi.json")).body.asyncapi, "3.0.0");
    assert.equal((await gateway.get("/metrics")).status, 404);
    assert.match(
      gateway.broker.souk.operations.metrics(),
      /souk_http_request_duration_seconds_count\{method="GET",route="\/docs",status="200"\} 1/,
    );
  });

  it("on every route that OpenAPI describes", async () => {
    const { body } = await gateway.get("/openapi.json");
    const authorization = `Bearer ${await gateway.token(["admin"])}`;
    for (const [path, methods] of Object.entries(body.paths as Paths))
      for (const [method, operation] of Object.entries(methods)) {
        // A stream has nothing to send here.
        if (operation.responses[200]?.content?.["text/event-stream"]) continue;
        const url = `/api/v1${path.replaceAll(/\{[^}]+\}/g, "x")}`;
        const { status, text } = await gateway.send(method.toUpperCase(), url, undefined, {
          authorization,
          accept: "*/*",
        });
        assert.ok(![404, 405, 500, 503].includes(status), `${method} ${url}: ${status} ${text}`);
      }
  });
});
