import assert from "node:assert/strict";
import fc from "fast-check";
import { Errors, ServiceBroker } from "moleculer";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { moleculerMetrics, RequestMetrics } from "../../../broker/http/metrics.ts";
import { failure, failureOf } from "../../../broker/http/problem.ts";
import "../../../services/contracts.ts";
import { parseJson } from "../../../broker/http/request/body.ts";
import { bodyTag, isNotModified, versionTag } from "../../../broker/http/request/conditional.ts";
import { decodePath, mergeParams, parseQuery, refuseQuery } from "../../../broker/http/request/params.ts";
import {
  accepts,
  bearerToken,
  cartIdOf,
  idempotencyKeyOf,
  ifMatchOf,
  preferredWait,
  requestIdOf,
  traceOf,
} from "../../../broker/http/request/request-headers.ts";
import { originCheck } from "../../../broker/http/response-headers.ts";
import { Router } from "../../../broker/http/router.ts";

const fails = (code: string, field?: string) => (error: unknown) =>
  error instanceof SoukError &&
  error.type === code &&
  (field === undefined || (error.data as { errors?: { field: string }[] }).errors?.[0]?.field === field);

describe("the router", () => {
  const router = new Router<string>();
  router.add("GET", "/orders/:id", "get");
  router.add("POST", "/orders/:orderId", "post");
  router.add("GET", "/orders/mine", "mine");
  router.add("GET", "/orders/:id/lines/:line", "line");
  router.add("GET", "/", "root");

  it("prefers plain text to a parameter, and falls back to it", () => {
    assert.equal(router.find("/orders/mine")?.route("GET")?.target, "mine");
    assert.equal(router.find("/orders/mine/lines/2")?.route("GET")?.target, "line");
  });

  it("names parameters as each method's own route does", () => {
    assert.deepEqual(router.find("/orders/7")?.route("GET")?.params, { id: "7" });
    assert.deepEqual(router.find("/orders/7")?.route("POST")?.params, { orderId: "7" });
    assert.deepEqual(router.find("/orders/7/lines/8")?.route("GET")?.params, { id: "7", line: "8" });
  });

  it("knows the methods of a path, and no path that was not added", () => {
    assert.deepEqual(router.find("/orders/7")?.methods, ["GET", "POST"]);
    assert.equal(router.find("/orders/7")?.route("DELETE"), undefined);
    for (const path of ["/orders", "/orders//", "/orders//lines/1", "/orders/7/lines", "/orders/7/lines/8/9"])
      assert.equal(router.find(path), undefined, path);
  });

  it("takes one trailing slash for none", () => {
    assert.equal(router.find("/orders/7/")?.route("GET")?.target, "get");
    assert.equal(router.find("/")?.route("GET")?.target, "root");
  });

  it("refuses routes that could not be served", () => {
    for (const path of ["orders", "/a/:id(\\d+)", "/a/:id?", "/a/*rest", "/a/:id/:id", "/a b", "/a/:"])
      assert.throws(() => new Router<string>().add("GET", path, "x"), /route GET/, path);
    assert.throws(() => router.add("GET", "/orders/:other", "again"), /is taken/);
  });

  it("finds what was added, whatever the segments", () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,8}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.array(segment, { minLength: 1, maxLength: 4 }), { selector: (it) => it.join("/") }),
        (paths) => {
          const made = new Router<string>();
          for (const path of paths) made.add("GET", `/${path.join("/")}`, path.join("/"));
          for (const path of paths)
            assert.equal(made.find(`/${path.join("/")}`)?.route("GET")?.target, path.join("/"));
        },
      ),
    );
  });
});

describe("request headers", () => {
  it("go on with a valid trace and start one otherwise", () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const given = traceOf(`00-${trace}-00f067aa0ba902b7-00`);
    assert.equal(given.traceId, trace);
    assert.match(given.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    assert.ok(!given.traceparent.includes("00f067aa0ba902b7"), "the gateway is a span of its own");
    for (const bad of [
      undefined,
      "",
      "x",
      `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `ff-${trace}-00f067aa0ba902b7-01`,
      `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`,
    ]) {
      const { traceId, traceparent } = traceOf(bad);
      assert.notEqual(traceId, trace, bad);
      assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    }
  });

  it("keep a harmless request id and replace any other", () => {
    assert.equal(requestIdOf("abc-1.2:3", "t"), "abc-1.2:3");
    for (const bad of [undefined, "", "a b", "a\tb", 'a"b', "a".repeat(129), ["a", "b"]])
      assert.equal(requestIdOf(bad, "t"), "t");
  });

  it("take a cart id that is a UUIDv7 and refuse another by name", () => {
    const id = newId();
    assert.equal(cartIdOf(id), id);
    assert.equal(cartIdOf(undefined), undefined);
    for (const bad of ["", "1", "00000000-0000-4000-8000-000000000000", `${id},${id}`])
      assert.throws(() => cartIdOf(bad), fails("VALIDATION_FAILED", "X-Cart-Id"));
  });

  it("take an idempotency key bare or as a quoted string, as the same key", () => {
    assert.equal(idempotencyKeyOf("abc"), "abc");
    assert.equal(idempotencyKeyOf('"abc"'), "abc");
    assert.equal(idempotencyKeyOf('"a\\"b\\\\c"'), 'a"b\\c');
    assert.equal(idempotencyKeyOf(undefined), undefined);
    for (const bad of ["", '""', '"a', "é", "a\u0001", "x".repeat(256), `"${"x".repeat(256)}"`])
      assert.throws(() => idempotencyKeyOf(bad), fails("IDEMPOTENCY_KEY_INVALID"), bad);
  });

  it("take If-Match as a version, and tell a bad tag from one that can't match", () => {
    assert.equal(ifMatchOf('"3"'), 3);
    assert.equal(ifMatchOf("*"), undefined);
    assert.equal(ifMatchOf(undefined), undefined);
    for (const bad of ["3", "'3'", '"3', "", '"3", "4"', "W/3"])
      assert.throws(() => ifMatchOf(bad), fails("MALFORMED_REQUEST"), bad);
    for (const other of ['W/"3"', '"abc"', '"03"', '"-1"', '""', '"99999999999999999999"'])
      assert.throws(() => ifMatchOf(other), fails("VERSION_MISMATCH"), other);
  });

  it("take a preferred wait, at most 10 s, and ignore what they can't understand", () => {
    assert.equal(preferredWait("wait=3"), 3);
    assert.equal(preferredWait("respond-async, wait=0"), 0);
    assert.equal(preferredWait('return=minimal; x=1, WAIT = "4"'), 4);
    assert.equal(preferredWait("wait=99"), 10);
    for (const it of [undefined, "", "wait=-1", "wait=x", "waiting=3", "wait=1e3"])
      assert.equal(preferredWait(it), undefined);
  });

  it("take a bearer token and refuse any other credentials", () => {
    assert.equal(bearerToken({ authorization: "Bearer a.b.c" }), "a.b.c");
    assert.equal(bearerToken({ authorization: "bearer a.b.c" }), "a.b.c");
    assert.equal(bearerToken({}), undefined);
    for (const authorization of ["", "Basic YTpi", "Bearer", "Bearer a b", "Token x", "Bearer <x>"])
      assert.throws(() => bearerToken({ authorization }), fails("UNAUTHENTICATED"), authorization);
  });

  it("say whether JSON is accepted, the most specific range deciding", () => {
    const json = (header?: string) => accepts(header, "application/json");
    for (const yes of [
      undefined,
      "*/*",
      "application/json",
      "application/*;q=0.1",
      "text/html, */*;q=0.8",
      "text/html;q=0, application/json",
    ])
      assert.ok(json(yes), yes);
    for (const no of ["text/html", "application/json;q=0", "application/json;q=0.0, */*", "image/*", "", "x"])
      assert.ok(!json(no), no);
  });
});

describe("parameters", () => {
  it("are refused where a name stands in path and body", () => {
    assert.throws(() => mergeParams({ id: "1" }, { id: "2" }), fails("VALIDATION_FAILED", "id"));
    assert.deepEqual(mergeParams({ id: "1" }, { name: "x" }), { id: "1", name: "x" });
  });

  it("of a write are refused in the query", () => {
    assert.throws(() => refuseQuery({ a: "1" }, {}), fails("VALIDATION_FAILED", "a"));
    assert.throws(() => refuseQuery({ b: "1" }, { b: 2 }), /given in query and body/);
    refuseQuery({}, { b: 2 });
  });

  it("of a path are decoded once, without control characters or broken encoding", () => {
    assert.deepEqual(decodePath({ id: "caf%C3%A9" }), { id: "café" });
    assert.deepEqual(decodePath({ sku: "10%2F12%20%252F" }), { sku: "10/12 %2F" });
    for (const bad of ["a%00b", "a%0Ab", "%E0%A4%A", "%ED%A0%80", "%zz", "%"])
      assert.throws(() => decodePath({ id: bad }), fails("VALIDATION_FAILED", "id"), bad);
  });

  it("of a query keep repetition visible and never reach a prototype", () => {
    assert.deepEqual(parseQuery("a=1&b=2&b=3&c="), { a: "1", b: ["2", "3"], c: "" });
    for (const bad of ["__proto__=1", "constructor=1", "prototype=x", "%5F%5Fproto__=1"])
      assert.throws(() => parseQuery(bad), fails("VALIDATION_FAILED"), bad);
    assert.ok(!("isAdmin" in parseQuery("__proto__[isAdmin]=1")), "brackets make no objects");
  });

  it("of a body are a JSON object of permitted names and bearable depth", () => {
    assert.deepEqual(parseJson(Buffer.from('{"a":{"b":[1]}}')), { a: { b: [1] } });
    for (const bad of ["", "{", "{'a':1}", '{"a":1,}', "\ufeff\ufeff{}", "NaN"])
      assert.throws(() => parseJson(Buffer.from(bad)), fails("MALFORMED_BODY"), bad);
    assert.throws(
      () => parseJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
      fails("MALFORMED_BODY"),
    );
    for (const bad of ["[]", "null", "1", '"x"', "true"])
      assert.throws(() => parseJson(Buffer.from(bad)), fails("VALIDATION_FAILED", "body"), bad);
    assert.throws(
      () => parseJson(Buffer.from(`{"a":${"[".repeat(40)}${"]".repeat(40)}}`)),
      fails("MALFORMED_BODY"),
    );
    assert.throws(
      () => parseJson(Buffer.from('{"a":[{"__proto__":{"isAdmin":true}}]}')),
      fails("VALIDATION_FAILED", "a.0.__proto__"),
    );
    assert.throws(
      () => parseJson(Buffer.from('{"\\u005f_proto__":1}')),
      fails("VALIDATION_FAILED", "__proto__"),
    );
    assert.throws(
      () => parseJson(Buffer.from('{"constructor":1}')),
      fails("VALIDATION_FAILED", "constructor"),
    );
  });

  it("come back from JSON as they were, or with a 4xx, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
        } catch (error) {
          assert.ok(error instanceof SoukError && error.code < 500, String(error));
        }
      }),
    );
  });
});

describe("a failure", () => {
  it("with a declared code is told as it is, also when it comes from another node", () => {
    const remote = new Errors.MoleculerError("Not enough.", 409, "INSUFFICIENT_STOCK", {
      errors: [{ field: "sku", message: "x" }],
    });
    assert.deepEqual(failureOf(remote), {
      ...failure("INSUFFICIENT_STOCK"),
      detail: "Not enough.",
      errors: [{ field: "sku", message: "x" }],
    });
  });

  it("whose code no contract here declares is told as the error itself says", () => {
    const foreign = (type: string, code: unknown, name = "SoukError") =>
      Object.assign(new Error("Too few points."), { name, type, code, data: { members: { points: 3 } } });
    assert.deepEqual(failureOf(foreign("POINTS_TOO_FEW", 409)), {
      code: "POINTS_TOO_FEW",
      status: 409,
      title: "Conflict",
      detail: "Too few points.",
      members: { points: 3 },
    });
    for (const bug of [
      foreign("POINTS_TOO_FEW", 409, "Error"),
      foreign("POINTS_TOO_FEW", 200),
      foreign("POINTS_TOO_FEW", "409"),
      foreign("POINTS_TOO_FEW", 499),
      foreign("points too few", 409),
    ])
      assert.deepEqual(failureOf(bug), failure("INTERNAL"));
  });

  it("of Moleculer is one of ours being away or overloaded, with a time to come again", () => {
    const away = [
      new Errors.ServiceNotFoundError({ action: "x" }),
      new Errors.ServiceNotAvailableError({ action: "x" }),
      new Errors.RequestTimeoutError({ action: "x", nodeID: "n" }),
      new Errors.RequestRejectedError({ action: "x", nodeID: "n" }),
      new Errors.RequestSkippedError({ action: "x", nodeID: "n" }),
      new Errors.MoleculerRetryableError("disconnected", 502, "BAD_GATEWAY", {}),
    ];
    for (const error of away)
      assert.deepEqual(failureOf(error), { ...failure("UNAVAILABLE"), retryAfter: 2 }, error.name);
    const full = new Errors.QueueIsFullError({ action: "x", nodeID: "n" });
    assert.deepEqual(failureOf(full), { ...failure("OVERLOADED"), retryAfter: 1 });
  });

  it("that is a bug says nothing of itself", () => {
    const bugs = [
      new TypeError("secret at /srv/souk"),
      "secret",
      null,
      undefined,
      { message: "secret" },
      new Errors.MoleculerError("secret", 400, "SOMETHING"),
      new SoukError("INTERNAL", "secret"),
      Object.assign(new Error("secret"), { type: "toString" }),
    ];
    for (const bug of bugs) assert.deepEqual(failureOf(bug), failure("INTERNAL"));
  });
});

describe("origins", () => {
  it("are allowed by equality only", () => {
    const allowed = originCheck("http://shop.test, https://admin.shop.test/");
    assert.ok(allowed("http://shop.test"));
    assert.ok(allowed("https://admin.shop.test"));
    for (const bad of [
      "http://shop.tes",
      "http://shop.test.evil.test",
      "https://shop.test",
      "http://shop.test:81",
      "null",
      "",
      "*",
      "http://evil.test",
    ])
      assert.ok(!allowed(bad), bad);
    assert.ok(!originCheck("")("http://shop.test"));
    assert.ok(!originCheck("*")("http://shop.test"));
  });
});

describe("entity tags", () => {
  it("match weakly for reads, in lists and for any", () => {
    assert.ok(isNotModified('"3"', versionTag(3)));
    assert.ok(isNotModified('"1", W/"3"', versionTag(3)));
    assert.ok(isNotModified("*", versionTag(3)));
    assert.ok(isNotModified(bodyTag("x"), bodyTag("x")));
    assert.ok(!isNotModified(bodyTag("x"), bodyTag("y")));
    assert.ok(!isNotModified(undefined, versionTag(3)));
    assert.ok(!isNotModified('"30"', versionTag(3)));
  });
});

describe("request metrics", () => {
  it("are Prometheus histograms by route, method and status", () => {
    const metrics = new RequestMetrics({
      inFlight: { taken: 3 },
      bodies: { taken: 2 },
      streams: { taken: 1 },
    });
    metrics.observe("GET", "/api/v1/products/:id", 200, 0.004);
    metrics.observe("GET", "/api/v1/products/:id", 200, 0.3);
    metrics.observe("GET", "/api/v1/products/:id", 200, 99);
    const text = metrics.text();
    const labels = 'method="GET",route="/api/v1/products/:id",status="200"';
    for (const line of [
      `souk_http_request_duration_seconds_bucket{${labels},le="0.005"} 1`,
      `souk_http_request_duration_seconds_bucket{${labels},le="0.5"} 2`,
      `souk_http_request_duration_seconds_bucket{${labels},le="10"} 2`,
      `souk_http_request_duration_seconds_bucket{${labels},le="+Inf"} 3`,
      `souk_http_request_duration_seconds_count{${labels}} 3`,
    ])
      assert.ok(text.includes(`${line}\n`), line);
  });
});

describe("Moleculer's metrics", () => {
  it("are Prometheus text, every line of it", async () => {
    const broker = new ServiceBroker({ logger: false, metrics: { enabled: true, reporter: [] } });
    broker.createService({ name: "probe", actions: { ping: () => "pong" } });
    await broker.start();
    try {
      await broker.call("probe.ping");
      const lines = moleculerMetrics(broker.metrics).trimEnd().split("\n");
      const sample =
        /^[a-zA-Z_][a-zA-Z0-9_]*(\{[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(,[a-zA-Z_]\w*="(?:[^"\\]|\\.)*")*\})? -?[\d.e+-]+$/;
      for (const line of lines) assert.ok(line.startsWith("# ") || sample.test(line), line);
      assert.ok(
        lines.some((it) => /^moleculer_request_total\{.*action="probe\.ping".*\} 1$/.test(it)),
        lines.join("\n"),
      );
      assert.ok(lines.some((it) => /^moleculer_request_time_bucket\{.*le="\+Inf".*\} 1$/.test(it)));
    } finally {
      await broker.stop();
    }
  });

  it("are nothing where they are switched off", () => {
    assert.equal(moleculerMetrics(undefined), "");
  });
});
