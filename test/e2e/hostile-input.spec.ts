import assert from "node:assert/strict";
import { Agent, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { type ErrorCode, errorEntry } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { API_BASE, type ApiRoute, apiRoutes } from "../../broker/http/api-route.ts";
import type { Problem } from "../../broker/http/problem.ts";
import core from "../../services/index.ts";
import { sign } from "../../services/payments/providers/sandbox/signature.ts";
import { home, paidOrder, putInCart, putOnSale, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { type ApiRequest, type Caller, createWorld, type World } from "./support/access.ts";
import { rows } from "./support/access-rows.ts";
import { changed, type Fingerprint, settled } from "./support/database.ts";
import { hostileSegments, type Mutation, mutationsOf, ofWholeBody } from "./support/mutations.ts";

/**
 * Each request of staff that would change something is on record, also a refused one. Notifications to a browser that
 * there is not are tried again and again.
 */
const RECORDS = ["staff_acts", "notifications"];
const SECRET = "sandbox-secret-for-tests";

describe("hostile input to a running shop", () => {
  let shop: Shop;
  let world: World;
  let before_: Fingerprint;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const routes = apiRoutes(core.contracts);
  /** A right request for each route, by somebody who may send it. */
  const requests = new Map<string, { request: ApiRequest; caller: Caller }>();

  before(async function () {
    this.timeout(30_000);
    shop = await startShop({
      env: {
        SANDBOX_WEBHOOK_SECRET: SECRET,
        RECONCILE_FIRST: "1h",
        MAX_OPEN_ORDERS: "100",
        REVIEWS_PER_HOUR: "1000",
      },
    });
    world = await createWorld(shop);
    for (const { action } of routes) {
      const row = rows[action] ?? assert.fail(`${action} has no row`);
      const caller: Caller = row.expect.owner < 400 ? "owner" : "admin";
      requests.set(action, { request: await row.ask(world, caller), caller });
    }
    before_ = await settled(shop, RECORDS);
  });
  after(async () => {
    agent.destroy();
    await shop?.stop();
  });

  interface Answer {
    status: number;
    headers: IncomingHttpHeaders;
    text: string;
  }

  function send(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders = {},
    body?: string | Uint8Array,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(shop.url);
      const sent = httpRequest({ hostname, port, method, path, headers, agent, timeout: 5_000 }, (reply) => {
        let text = "";
        reply.setEncoding("utf8");
        reply.on("data", (chunk) => {
          text += chunk;
        });
        reply.on("end", () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
        reply.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error(`${method} ${path} hangs`)));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const headersOf = (caller: Caller, request: ApiRequest): OutgoingHttpHeaders => ({
    ...(caller === "guest" ? {} : { authorization: `Bearer ${world[caller].accessToken}` }),
    ...request.headers,
  });

  function sendWrong({ method, action }: ApiRoute, mutation: Mutation): Promise<Answer> {
    const { request, caller } = requests.get(action) ?? assert.fail(action);
    const { search, body, contentType = "application/json", headers } = mutation;
    return send(
      method,
      API_BASE +
        request.path +
        (search === undefined ? "" : `${request.path.includes("?") ? "&" : "?"}${search}`),
      {
        ...headersOf(caller, request),
        ...(body === undefined
          ? {}
          : { "content-type": contentType, "content-length": Buffer.byteLength(body) }),
        ...headers,
      },
      body,
    );
  }

  /** @returns the problem, which must help a client and reveal nothing */
  function problemOf({ status, headers, text }: Answer, shown: string): Problem {
    assert.ok(status >= 400 && status < 500, `${shown}: ${status} ${text.slice(0, 500)}`);
    assert.equal(headers["content-type"], "application/problem+json", shown);
    const body = JSON.parse(text) as Problem;
    const declared = errorEntry(body.code as ErrorCode);
    assert.equal(declared.status, status, shown);
    assert.equal(body.status, status, shown);
    assert.equal(body.title, declared.title, shown);
    assert.match(body.traceId, /^[0-9a-f]{32}$/, shown);
    assert.ok(body.type.endsWith(`/docs/errors#${body.code}`) && body.detail.length > 0, shown);
    assert.doesNotMatch(text, /node_modules|\.ts:|Mongo|Zod|E11000|SyntaxError|at \w+ \(/, shown);
    return body;
  }

  function checkWrong(answer: Answer, { what, field, code }: Mutation, route: ApiRoute): void {
    const shown = `${route.method} ${route.pattern}: ${what}`;
    const problem = problemOf(answer, shown);
    assert.equal(problem.code, code ?? "VALIDATION_FAILED", `${shown}: ${answer.text.slice(0, 500)}`);
    if (field === undefined) return;
    const named = problem.errors?.map((it) => it.field) ?? [];
    const wanted = named.some((it) => it === field || it.startsWith(`${field}.`));
    assert.ok(wanted, `${shown}: names ${JSON.stringify(named)}, not ${field}`);
  }

  const unchanged = async (shown: string) =>
    assert.deepEqual(changed(before_, await settled(shop, RECORDS)), [], `${shown}: something was written`);

  let sentInAll = 0;
  // What files may be is tried by the specs of imports and uploads.
  for (const route of routes.filter((it) => it.contract.body !== "raw" && !it.contract.upload))
    it(`${route.method} ${route.pattern} refuses whatever its contract does not let in`, async function () {
      this.timeout(20_000);
      const { request } = requests.get(route.action) ?? assert.fail(route.action);
      for (const mutation of mutationsOf(route, request)) {
        checkWrong(await sendWrong(route, mutation), mutation, route);
        sentInAll++;
      }
    });

  it("has been tried in thousands of ways, and has written nothing", async () => {
    assert.ok(sentInAll > 2_000, `${sentInAll} requests`);
    await unchanged("wrong bodies and queries");
  });

  it("takes nothing as an id that is none", async function () {
    this.timeout(20_000);
    for (const { method, pattern, action } of routes) {
      if (!pattern.includes(":")) continue;
      const { request, caller } = requests.get(action) ?? assert.fail(action);
      for (const segment of hostileSegments) {
        const path = pattern.replaceAll(/:[^/]+/g, () => segment);
        const body = request.body && JSON.stringify(request.body);
        const answer = await send(
          method,
          `${API_BASE}${path}`,
          { ...headersOf(caller, request), ...(body ? { "content-type": "application/json" } : {}) },
          body,
        );
        problemOf(answer, `${method} ${path}`);
      }
    }
    await unchanged("path parameters");
  });

  it("needs an Idempotency-Key that is one, where money or orders are made", async () => {
    for (const { method, action, contract } of routes) {
      if (contract.idempotent !== "required") continue;
      const { request, caller } = requests.get(action) ?? assert.fail(action);
      const body = JSON.stringify(request.body);
      for (const [value, code] of [
        [undefined, "IDEMPOTENCY_KEY_MISSING"],
        ["", "IDEMPOTENCY_KEY_INVALID"],
        ['""', "IDEMPOTENCY_KEY_INVALID"],
        ['"open', "IDEMPOTENCY_KEY_INVALID"],
        ["é", "IDEMPOTENCY_KEY_INVALID"],
        ["a\tb", "IDEMPOTENCY_KEY_INVALID"],
        ["x".repeat(256), "IDEMPOTENCY_KEY_INVALID"],
      ] as const) {
        const { "idempotency-key": _, ...headers } = headersOf(caller, request);
        const answer = await send(
          method,
          `${API_BASE}${request.path}`,
          {
            ...headers,
            "content-type": "application/json",
            ...(value === undefined ? {} : { "idempotency-key": value }),
          },
          body,
        );
        assert.equal(problemOf(answer, `${action} ${value}`).code, code);
      }
    }
    await unchanged("idempotency keys");
  });

  it("does not act on headers that make no sense", async () => {
    const nonsense: [OutgoingHttpHeaders, string][] = [
      [{ authorization: "Bearer" }, "UNAUTHENTICATED"],
      [{ authorization: `Bearer ${"a".repeat(12_000)}` }, "UNAUTHENTICATED"],
      [{ authorization: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0." }, "UNAUTHENTICATED"],
      [{ "x-cart-id": "1" }, "VALIDATION_FAILED"],
      [{ "x-cart-id": "$where" }, "VALIDATION_FAILED"],
      [{ "if-match": "3" }, "MALFORMED_REQUEST"],
      [{ "if-match": '"3", "4"' }, "MALFORMED_REQUEST"],
      [{ "if-match": '"99999999999999999999"' }, "VERSION_MISMATCH"],
      [{ accept: "image/png" }, "NOT_ACCEPTABLE"],
      [{ expect: "the-unexpected" }, "MALFORMED_REQUEST"],
      [{ "x-padding": "x".repeat(20_000) }, "HEADERS_TOO_LARGE"],
    ];
    for (const [headers, code] of nonsense) {
      const answer = await send("DELETE", `${API_BASE}/cart`, headers);
      assert.equal(problemOf(answer, JSON.stringify(headers).slice(0, 80)).code, code);
    }
    const unharmed: OutgoingHttpHeaders = {
      prefer: "wait=-1, wait=abc;;;",
      traceparent: "00-zz",
      "x-request-id": "<script>",
      range: "bytes=0-1",
      "x-http-method-override": "DELETE",
      "x-forwarded-for": "not an address",
      "if-none-match": ",,,",
    };
    const { status, headers } = await send("GET", `${API_BASE}/products?limit=1`, unharmed);
    assert.equal(status, 200);
    assert.match(String(headers["x-request-id"]), /^[0-9a-f]{32}$/);
    await unchanged("headers");
  });

  it("answers 413 to a body of 10 MB, told or not, without reading it to its end", async function () {
    this.timeout(20_000);
    const huge = 10_000_000;
    for (const { method, action, contract } of routes.filter((it) => it.takesBody && !it.contract.upload)) {
      const { request, caller } = requests.get(action) ?? assert.fail(action);
      const head = [
        `${method} ${API_BASE}${request.path} HTTP/1.1`,
        "Host: shop.test",
        "Content-Type: application/json",
        ...Object.entries(headersOf(caller, request)).map(([name, value]) => `${name}: ${value}`),
      ];
      const told = await upload([...head, `Content-Length: ${huge}`], huge, (chunk) => chunk);
      assert.match(told, /^HTTP\/1\.1 413 [\s\S]*"code":"BODY_TOO_LARGE"/, `${action} ${told.slice(0, 200)}`);
      const chunked = await upload([...head, "Transfer-Encoding: chunked"], huge, (chunk) =>
        Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
      );
      assert.match(chunked, /^HTTP\/1\.1 413 [\s\S]*"code":"BODY_TOO_LARGE"/, `${action} ${contract.body}`);
    }
    await unchanged("10 MB bodies");
  });

  /** Sends as much as the server accepts. @returns its answer until it closed or five seconds had passed */
  function upload(head: readonly string[], bytes: number, frame: (chunk: Buffer) => Buffer): Promise<string> {
    const chunk = frame(Buffer.alloc(64_000, "a"));
    return new Promise((resolve) => {
      let answer = "";
      let left = bytes;
      const { hostname, port } = new URL(shop.url);
      const socket = connect(Number(port), hostname);
      const write = () => {
        while (left > 0 && answer === "") {
          left -= chunk.length;
          if (!socket.write(chunk)) return;
        }
      };
      socket.setTimeout(5_000, () => socket.destroy());
      socket.on("connect", () => socket.write(`${head.join("\r\n")}\r\n\r\n`) && write());
      socket.on("drain", write);
      socket.on("data", (data) => {
        answer += data;
        if (answer.includes("BODY_TOO_LARGE")) socket.destroy();
      });
      socket.on("error", () => resolve(answer));
      socket.on("close", () => resolve(answer));
    });
  }

  it("lets an upload that breaks off have no effect", async () => {
    for (const { method, action } of routes.filter((it) => it.takesBody)) {
      const { request, caller } = requests.get(action) ?? assert.fail(action);
      const body = JSON.stringify(request.body ?? {});
      const lines = [
        `${method} ${API_BASE}${request.path} HTTP/1.1`,
        "Host: shop.test",
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body) + 1}`,
        ...Object.entries(headersOf(caller, request)).map(([name, value]) => `${name}: ${value}`),
      ];
      for (const end of ["half", "whole"] as const) {
        const answer = await breakOff(`${lines.join("\r\n")}\r\n\r\n${body}`, end);
        assert.match(answer, /^(HTTP\/1\.1 4\d\d [\s\S]*"code"|$)/, `${action}: ${answer}`);
      }
    }
    await unchanged("uploads that broke off");
  });

  /** Sends the text, then ends: only its own half of the connection, or all of it. */
  function breakOff(text: string, end: "half" | "whole"): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = "";
      const { hostname, port } = new URL(shop.url);
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
      socket.setTimeout(5_000, () => reject(new Error(`hangs: ${text.slice(0, 60)}`)));
      socket.on("connect", () =>
        socket.write(text, () => (end === "half" ? socket.end() : socket.resetAndDestroy())),
      );
      socket.on("data", (data) => {
        answer += data;
      });
      socket.on("end", () => socket.end());
      socket.on("close", () => resolve(answer));
      socket.on("error", () => resolve(answer));
    });
  }

  const webhooks = `${API_BASE}/payments/webhooks/sandbox`;
  const signed = (body: string | Buffer, at = Date.now(), secret = SECRET) => ({
    "sandbox-signature": sign(secret, body, at),
  });
  const event = (data: object = {}, more: object = {}) =>
    JSON.stringify({
      id: `evt_${newId()}`,
      type: "payment.captured",
      createdAt: new Date().toISOString(),
      data: {
        ref: "x",
        reference: newId(),
        amount: { value: 1, currency: "USD" },
        receipt: "R",
        reason: null,
        ...data,
      },
      ...more,
    });

  it("takes a provider's report only with a signature that is the provider's own and of now", async () => {
    const body = event();
    const other = event();
    const bad: OutgoingHttpHeaders[] = [
      {},
      { "sandbox-signature": "" },
      { "sandbox-signature": "t=,v1=" },
      { "sandbox-signature": `t=${"9".repeat(400)},v1=${"a".repeat(64)}` },
      { "sandbox-signature": ",".repeat(4_000) },
      signed(body, Date.now(), "another-secret-for-tests"),
      signed(other),
      signed(body, Date.now() - 600_000),
      signed(body, Date.now() + 600_000),
    ];
    for (const headers of bad) {
      const answer = await send("POST", webhooks, headers, body);
      assert.equal(problemOf(answer, JSON.stringify(headers).slice(0, 80)).code, "WEBHOOK_REJECTED");
    }
    await unchanged("unsigned webhooks");
  });

  it("takes no report that is signed, but is none", async () => {
    // The same content in another encoding is still what was signed.
    for (const { body = "" } of ofWholeBody(JSON.parse(event())))
      if (body !== "" && !isEvent(body))
        problemOf(await send("POST", webhooks, signed(body), body), body.slice(0, 80));
    const wrong: string[] = [
      event({ amount: { value: -1, currency: "USD" } }),
      event({ amount: { value: 1.5, currency: "USD" } }),
      event({ amount: { value: 1, currency: "$$$" } }),
      event({ amount: { value: { $gt: 0 }, currency: "USD" } }),
      event({ ref: { $ne: null } }),
      event({ reference: "x".repeat(300) }),
      event({}, { type: "payment.gifted" }),
      event({}, { id: "" }),
      event({}, { extra: true }),
    ];
    for (const body of wrong) problemOf(await send("POST", webhooks, signed(body), body), body);
    const binary = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
    problemOf(await send("POST", webhooks, signed(binary), binary), "binary");
    await unchanged("signed nonsense");
  });

  const isEvent = (text: string): boolean => {
    try {
      const { id, type, data, ...more } = JSON.parse(text);
      return Boolean(id && type && data) && Object.keys(more).join() === "createdAt";
    } catch {
      return false;
    }
  };

  it("keeps odd but honest text as it is", async () => {
    const { http } = await signUp(shop.http);
    for (const name of [
      "Zoë 👩‍👩‍👧 Ünïcödé",
      "ﷺ",
      "Robert'); DROP TABLE users;--",
      "{{constructor.constructor('x')()}}",
      "<b>bold</b>",
      "$where",
      "__proto__",
    ]) {
      const body = await http.expect<{ name: string }>(200, "PATCH", "/users/me", { body: { name } });
      assert.equal(body.name, name);
      const again = await http.expect<{ name: string }>(200, "GET", "/users/me");
      assert.equal(again.name, name);
    }
    const half = await http.request<Problem>("PATCH", "/users/me", { body: { name: "\ud800 alone" } });
    assert.deepEqual([half.status, half.body.errors?.[0]?.field], [422, "name"]);
    const turned = await http.expect<{ name: string }>(200, "PATCH", "/users/me", {
      body: { name: "\u202eevil\u202c" },
    });
    assert.equal(turned.name, "evil", "without what would turn its neighbours around");
  });

  for (const sku of [
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "__defineGetter__".slice(2),
    "0",
  ])
    it(`sells an article whose SKU is ${sku} like any other`, async () => {
      await putOnSale(world.admin, { sku, onHand: 3 });
      const customer = await signUp(shop.http);
      const { lines } = await paidOrder(customer, sku, 2);
      assert.deepEqual(
        lines.map((line) => [line.sku, line.quantity]),
        [[sku, 2]],
      );
    });

  it("orders nothing that costs more than money can be counted, and says that it is the cart", async () => {
    const { sku } = await putOnSale(world.admin, { price: 1_000_000_000_000 });
    const customer = await signUp(shop.http);
    await putInCart(customer, sku, 2);
    const body = JSON.stringify({ shippingAddress: home, payment: { provider: "sandbox" } });
    const answer = await send(
      "POST",
      `${API_BASE}/orders`,
      {
        authorization: `Bearer ${customer.accessToken}`,
        "content-type": "application/json",
        "idempotency-key": newId(),
      },
      body,
    );
    const { code, errors } = problemOf(answer, "a cart that costs too much");
    assert.deepEqual([code, errors?.map((it) => it.field)], ["VALIDATION_FAILED", ["cart"]]);
  });

  it("has done no harm: every right request works afterwards", async function () {
    this.timeout(20_000);
    // Its cart was emptied by what came before.
    await putInCart(world.owner, world.article.sku);
    for (const { method, action, produces, contract } of routes) {
      if (produces === "text/event-stream" || contract.body === "raw") continue;
      const { request, caller } = requests.get(action) ?? assert.fail(action);
      const search = new URLSearchParams({ ...request.query }).toString();
      const body = request.file?.bytes ?? (request.body && JSON.stringify(request.body));
      const type = request.file?.type ?? "application/json";
      const { status, text } = await send(
        method,
        `${API_BASE}${request.path}${search && `?${search}`}`,
        { ...headersOf(caller, request), ...(body ? { "content-type": type } : {}) },
        body,
      );
      // The requests that empty the cart come before the one that orders it.
      if (action === "cart.clear") await putInCart(world.owner, world.article.sku);
      assert.equal(status, rows[action]?.expect[caller], `${action}: ${text}`);
    }
    const customer = await signUp(shop.http);
    await paidOrder(customer, world.article.sku);
  });
});
