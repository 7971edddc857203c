import assert from "node:assert/strict";
import { connect } from "node:net";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { AccessLogEntry } from "../../../broker/http/access-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { raw, startGateway, type TestGateway } from "./support.ts";

interface Line extends AccessLogEntry {
  timestamp: string;
  level: string;
  mod: string;
  nodeID: string;
}

describe("The access log", () => {
  const lines: string[] = [];
  let gateway: TestGateway;
  const start = (env: Record<string, string>) =>
    startGateway({
      env,
      fakes: {
        "products.get": async ({ params }) => {
          if (params.id === "missing") throw new SoukError("NOT_FOUND");
          if (params.id === "bug") throw new TypeError("a bug");
          if (params.id === "slow") await new Promise((resolve) => setTimeout(resolve, 5_000));
          return { id: params.id, name: "Lamp" };
        },
        "payments.sandboxPage": () => "<!doctype html><p>Pay</p>",
        "cart.get": () => ({ id: newId(), lines: [] }),
      },
      options: {
        writeAccess: (line: string) => lines.push(line),
        headersTimeout: 500,
        requestTimeout: 500,
      },
    });
  /** The only line that is written, once it is. */
  const line = () => eventually("a line is written", () => lines.length > 0 && lines.splice(0).join(""));
  const json = async () => JSON.parse(await line()) as Line;

  afterEach(async () => {
    await gateway?.stop();
    lines.length = 0;
  });

  describe("for machines", () => {
    beforeEach(async () => {
      gateway = await start({ ACCESS_LOG: "on", LOG_FORMAT: "json" });
    });

    it("has one line a request, with all that a question about it needs", async () => {
      const sub = newId();
      const reply = await gateway.get("/api/v1/products/lamp?q=private", {
        authorization: `Bearer ${await gateway.token(["customer"], sub)}`,
        "x-request-id": "caller-7",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      });
      const text = await line();
      assert.equal(text.split("\n").length, 2);
      assert.doesNotMatch(text, /private|Bearer|eyJ/);
      const { timestamp, ms, nodeID, ...rest } = JSON.parse(text) as Line;
      assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
      assert.ok(ms > 0 && ms < 60_000);
      assert.equal(nodeID, gateway.broker.nodeID);
      assert.deepEqual(rest, {
        level: "info",
        mod: "access",
        method: "GET",
        path: "/api/v1/products/lamp",
        status: reply.status,
        bytes: Buffer.byteLength(reply.text),
        ip: "127.0.0.1",
        userId: sub,
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
        requestId: "caller-7",
        ...(reply.body.code ? { code: reply.body.code } : {}),
      });
    });

    for (const [what, path, status, code] of [
      ["a 404 of an action", "/api/v1/products/missing", 404, "NOT_FOUND"],
      ["a 404 of no route", "/api/v1/nothing", 404, "ROUTE_NOT_FOUND"],
      ["a 401", "/api/v1/users/me", 401, "UNAUTHENTICATED"],
      ["a 500", "/api/v1/products/bug", 500, "INTERNAL"],
    ] as const)
      it(`lets ${what} be found by the traceId of its problem document`, async () => {
        const reply = await gateway.get(path);
        assert.equal(reply.status, status);
        const logged = await json();
        assert.deepEqual(
          [logged.traceId, logged.status, logged.code, logged.path],
          [reply.body.traceId, status, code, path],
        );
      });

    it("has what the parser refuses, by the traceId of the answer", async () => {
      const answer = await raw(gateway.url, "GET / HTTP/1.1\r\nbad header\r\n\r\n");
      const { traceId } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      const logged = await json();
      assert.equal(logged.traceId, traceId);
      assert.equal(logged.status, 400);
      assert.equal(logged.code, "MALFORMED_REQUEST");
      assert.equal(logged.ip, "127.0.0.1");
    });

    it("has one line for a body that does not come, with the answer's status and traceId", async () => {
      const head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
      const answer = await raw(gateway.url, `${head}Content-Length: 100\r\n\r\n{`, 5_000);
      const { traceId, status } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      assert.equal(status, 408);
      const logged = await json();
      assert.deepEqual(
        [logged.traceId, logged.status, logged.code, logged.path],
        [traceId, 408, "SLOW_REQUEST", "/api/v1/auth/login"],
      );
      assert.equal(lines.length, 0);
    });

    it("says 499 where the client left", async () => {
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname);
      socket.write("GET /api/v1/products/slow HTTP/1.1\r\nHost: x\r\n\r\n");
      await eventually("the call is made", () => gateway.calls.some((it) => it.action === "products.get"));
      socket.destroy();
      const logged = await json();
      assert.equal(logged.status, 499);
      assert.equal(logged.bytes, 0);
    });

    it("has no probes, and no address by which others could pay", async () => {
      await gateway.get("/health/live");
      await gateway.get("/health/ready");
      await gateway.get("/metrics");
      await gateway.get("/api/v1/sandbox/pay/who-has-this-may-pay", { accept: "text/html" });
      const logged = await json();
      assert.equal(logged.path, "/api/v1/sandbox/pay/***");
    });
  });

  describe("for people", () => {
    beforeEach(async () => {
      gateway = await start({ ACCESS_LOG: "on", LOG_FORMAT: "text" });
    });

    it("has a short line", async () => {
      const reply = await gateway.get("/api/v1/products/missing");
      assert.match(
        await line(),
        new RegExp(
          `^\\S+Z INFO {2}access: GET /api/v1/products/missing 404 [\\d.]+ ms \\d+ B 127.0.0.1 trace=${reply.body.traceId} NOT_FOUND\\n$`,
        ),
      );
    });

    it("can't be forged", async () => {
      const evil = "x\x85y\xa0z\xff\x9b31m"; // NEL, no-break space, and a terminal's control sequence
      await raw(
        gateway.url,
        Buffer.from(
          `GET /${evil} HTTP/1.1\r\nHost: x\r\nX-Request-Id: a INFO access\r\nConnection: close\r\n\r\n`,
          "latin1",
        ),
      );
      const text = await line();
      assert.match(text, /^[\x20-\x7e]+\n$/);
      assert.equal(lines.length, 0);
    });

    it("has lines of bounded length", async () => {
      await gateway.get(`/${"long".repeat(1_500)}`);
      assert.ok((await line()).length < 1_500);
    });
  });

  it("is off where it is told to be, and in tests", async () => {
    for (const NODE_ENV of ["production", "test"]) {
      const env = { NODE_ENV, ALLOW_EMBEDDED: "1", ACCESS_LOG: NODE_ENV === "test" ? "" : "off" };
      gateway = await start(env);
      await gateway.get("/api/v1/products/lamp");
      await gateway.stop();
      assert.deepEqual(lines, []);
    }
  });
});
