import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { ServiceBroker } from "moleculer";
import type { Scope } from "../../../broker/contract/contract.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { FRESH_MS } from "../../../broker/http/access/live-answers.ts";
import { API_BASE, apiRoutes } from "../../../broker/http/api-route.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { startGateway, type TestGateway } from "./support.ts";

type Caller = "nobody" | "customer" | "staff" | "admin";

/** Decisions of the gateway itself, by a contract's declaration. Services decide about ownership. */
const MAY: Record<string, readonly Caller[]> = {
  public: ["nobody", "customer", "staff", "admin"],
  customer: ["customer", "staff", "admin"],
  staff: ["staff", "admin"],
  admin: ["admin"],
};

describe("access to the API", () => {
  let gateway: TestGateway;
  const routes = apiRoutes(core.contracts);

  before(async () => {
    gateway = await startGateway({ absent: [] });
  });
  beforeEach(() => {
    gateway.calls.length = 0;
  });
  after(() => gateway.stop());

  const path = (pattern: string) => API_BASE + pattern.replaceAll(/:[^/]+/g, newId());
  const called = () =>
    gateway.calls.filter((it) => !["users.jwks", "users.liveSessions"].includes(it.action));

  for (const { method, pattern, action, auth } of routes)
    it(`${method} ${pattern} (${action}) is served to ${auth} and to nobody else`, async () => {
      const callers: Record<Caller, string | undefined> = {
        nobody: undefined,
        customer: await gateway.token(["customer"]),
        staff: await gateway.token(["customer", "staff"]),
        admin: await gateway.token(["admin"]),
      };
      for (const [caller, token] of Object.entries(callers)) {
        const headers = {
          accept: "*/*",
          "idempotency-key": newId(),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        };
        // A stream's action would be called. An unknown id ends it at once.
        const { status, body } = await gateway.send(method, path(pattern), undefined, headers);
        if (MAY[auth]?.includes(caller as Caller))
          assert.ok(status !== 401 && status !== 403, `${caller}: ${status}`);
        else {
          assert.equal(status, caller === "nobody" ? 401 : 403, caller);
          assert.equal(body.code, caller === "nobody" ? "UNAUTHENTICATED" : "FORBIDDEN");
          assert.deepEqual(called(), [], `${caller} reached the action`);
        }
        gateway.calls.length = 0;
      }
    });

  for (const { method, pattern, contract } of routes.filter((it) => it.contract.alsoScope)) {
    const { scope, alsoScope } = contract;
    it(`${method} ${pattern} is served to staff with both ${scope} and ${alsoScope}, not with one of them`, async () => {
      const statusWith = async (scopes: (Scope | undefined)[]) => {
        const given = scopes.filter((it) => it !== undefined);
        const authorization = `Bearer ${await gateway.token(["staff"], newId(), given)}`;
        return (await gateway.send(method, path(pattern), undefined, { accept: "*/*", authorization }))
          .status;
      };
      assert.deepEqual([await statusWith([scope]), await statusWith([alsoScope])], [403, 403]);
      assert.deepEqual(called(), []);
      assert.equal(await statusWith([scope, alsoScope]), 200);
    });
  }

  it("is refused with a bad token on every route, public ones too", async () => {
    const forged = await new SignJWT({ roles: ["admin"] })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: gateway.keys.kid })
      .setSubject(newId())
      .sign(new TextEncoder().encode(JSON.stringify(gateway.keys.jwk)));
    const bad = [
      `Bearer ${forged}`,
      "Bearer x",
      "Basic YTpi",
      `Bearer ${(await gateway.token()).slice(0, -3)}`,
    ];
    for (const { method, pattern, contract } of routes) {
      // There the header belongs to the provider's signature scheme.
      if (contract.body === "raw") continue;
      for (const authorization of bad) {
        const reply = await gateway.send(method, path(pattern), undefined, { accept: "*/*", authorization });
        assert.equal(reply.status, 401, `${method} ${pattern}`);
        assert.match(reply.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
      }
    }
    assert.deepEqual(called(), []);
  });

  it("gives an action the caller that its token names, whatever the request says", async () => {
    const sub = newId();
    const authorization = `Bearer ${await gateway.token(["staff"], sub, ["stock:read"])}`;
    await gateway.get("/api/v1/users/me", { authorization, "x-user": "evil", "x-resource-id": "evil" });
    const { meta } = called()[0] ?? assert.fail("the action was not called");
    const { session, ...user } = meta.user ?? {};
    assert.deepEqual(user, { id: sub, roles: ["staff"], scopes: ["stock:read"] });
    assert.ok(session);
    assert.equal(meta.resourceId, undefined);
    assert.equal(meta.clientIp, "127.0.0.1");
  });

  it("costs no signature check for a token that was seen before", async () => {
    const authorization = `Bearer ${await gateway.token()}`;
    const before = gateway.calls.length;
    for (let i = 0; i < 3; i++)
      assert.notEqual((await gateway.get("/api/v1/users/me", { authorization })).status, 401);
    const asked = gateway.calls.slice(before).map((it) => it.action);
    assert.ok(asked.filter((it) => it === "users.jwks").length <= 1);
    assert.equal(asked.filter((it) => it === "users.liveSessions").length, 1);
  });

  it("is refused to a token whose session has ended, for that reason alone, on public routes too", async () => {
    const sub = newId();
    const authorization = `Bearer ${await gateway.token(["customer"], sub)}`;
    assert.notEqual((await gateway.get("/api/v1/users/me", { authorization })).status, 401);
    gateway.end(sub);
    gateway.broker.broadcast("users.notified", { subject: sub }, ["users"]);
    for (const path of ["/api/v1/users/me", "/api/v1/products"]) {
      const reply = await gateway.get(path, { authorization });
      assert.deepEqual([reply.status, reply.body.code], [401, "UNAUTHENTICATED"]);
    }
  });

  it("is refused at once when the session ends on another node", async () => {
    const namespace = `ended-${newId()}`;
    const other = new ServiceBroker({ nodeID: newId(), namespace, transporter: "Fake", logger: false });
    await other.start();
    const joined = await startGateway({ namespace });
    try {
      await other.waitForServices("api");
      const sub = newId();
      const authorization = `Bearer ${await joined.token(["customer"], sub)}`;
      const status = async () => (await joined.get("/api/v1/users/me", { authorization })).status;
      assert.notEqual(await status(), 401);
      joined.end(sub);
      assert.notEqual(await status(), 401);
      other.broadcast("users.notified", { subject: sub }, ["users"]);
      await eventually("the gateway has heard of it", async () => (await status()) === 401, FRESH_MS / 4);
    } finally {
      await joined.stop();
      await other.stop();
    }
  });

  it("is 503 with a time to come again while a service is away, and 401 needs no service", async () => {
    const other = await startGateway({ absent: ["orders", "users"] });
    try {
      const withToken = await other.get("/api/v1/products", {
        authorization: `Bearer ${await other.token()}`,
      });
      assert.equal(withToken.status, 503, withToken.text);
      const away = await other.send("POST", "/api/v1/auth/login", { email: "a@b.test", password: "x" });
      assert.deepEqual(
        [away.status, away.body.code, away.headers.get("retry-after")],
        [503, "UNAVAILABLE", "2"],
      );
      assert.equal((await other.get("/api/v1/products")).status, 200);
    } finally {
      await other.stop();
    }
  });
});
