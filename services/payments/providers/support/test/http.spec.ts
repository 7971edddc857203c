/** HTTP to providers without an SDK: hostile and broken answers do no harm. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { freePort } from "../../../../../souk/testing/free-port.ts";
import { ProviderMisconfigured } from "../../provider.ts";
import { checkStatus, createHttp, expected, neverSent, type ProviderHttp, segment } from "../http.ts";
import "../../../payments.contract.ts";

const never = new AbortController().signal;
const failed = { type: "PROVIDER_FAILED" };

describe("JSON over HTTP to a provider", () => {
  const asked: string[] = [];
  let answer: RequestListener;
  let http: ProviderHttp;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    http = createHttp("acme", `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`);
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  beforeEach(() => {
    asked.length = 0;
  });
  const get = (signal = never) => http.request({ method: "GET", path: "/it", signal });

  it("sends JSON and reads it, whatever the status", async () => {
    let body = "";
    answer = async (request, response) => {
      for await (const chunk of request) body += chunk;
      response.writeHead(422, { "content-type": "text/plain" }).end('{"a":1}');
    };
    const path = `/${segment("a/../b?c#d")}`;
    const answered = await http.request({ method: "POST", path, body: { b: "ü" }, signal: never });
    assert.deepEqual(answered, { status: 422, json: { a: 1 } });
    assert.equal(body, '{"b":"ü"}');
    assert.deepEqual(asked, ["POST /base/a%2F..%2Fb%3Fc%23d"]);
  });

  it("follows no redirect: credentials would go with it", async () => {
    answer = (_, response) => response.writeHead(307, { location: "/elsewhere" }).end();
    await assert.rejects(get(), failed);
    assert.deepEqual(asked, ["GET /base/it"]);
  });

  it("reads no endless answer", async () => {
    answer = (_, response) => {
      response.writeHead(200);
      const more = () => response.write("x".repeat(65_536), (error) => error ?? more());
      more();
    };
    await assert.rejects(get(), failed);
  });

  it("waits no longer than its caller", async () => {
    answer = () => undefined;
    await assert.rejects(get(AbortSignal.timeout(50)), failed);
    answer = (_, response) => void response.writeHead(200).write("{");
    await assert.rejects(get(AbortSignal.timeout(50)), failed);
  });

  it("tells what was never sent from what may have been", async () => {
    answer = (request) => void request.socket.destroy();
    await assert.rejects(get(), (error) => !neverSent(error));
    const nobody = createHttp("acme", `http://127.0.0.1:${await freePort()}`);
    await assert.rejects(nobody.request({ method: "GET", path: "/", signal: never }), (error) =>
      neverSent(error),
    );
  });

  it("takes an answer for what the schema says, or for a failure that repeats none of it", () => {
    const schema = z.object({ a: z.object({ b: z.int() }) });
    assert.deepEqual(expected("acme", schema, { status: 200, json: { a: { b: 1, c: 2 } } }), { a: { b: 1 } });
    for (const json of [undefined, null, "secret", { a: { b: "secret" } }])
      assert.throws(
        () => expected("acme", schema, { status: 200, json }),
        (error: Error) =>
          /acme answered 200 with something unexpected/.test(error.message) &&
          !error.message.includes("secret"),
      );
  });

  it("says whose fault a status is", () => {
    const check = (status: number) => checkStatus("acme", { status, json: null }, "words");
    for (const status of [401, 403]) assert.throws(() => check(status), ProviderMisconfigured);
    for (const status of [408, 429, 500, 503]) assert.throws(() => check(status), failed);
    for (const status of [200, 201, 400, 404, 409]) check(status);
  });
});
