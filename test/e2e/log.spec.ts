import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { anAddress } from "../../souk/testing/address.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import {
  decide,
  firstAdmin,
  order,
  orderBecomes,
  payPage,
  putInCart,
  putOnSale,
} from "../../souk/testing/people.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";

const SECRET = "sandbox-secret-that-no-log-may-have";

describe("the log of a whole story, at its most talkative", () => {
  let run: ScriptRun;
  let http: HttpClient;
  let token = "";

  before(async function () {
    this.timeout(60_000);
    run = await startScript("start", {
      env: { LOG_LEVEL: "trace", SEED_COUNT: "5", RATE_LIMIT: "off", SANDBOX_WEBHOOK_SECRET: SECRET },
    });
    http = new HttpClient(run.url);
    token = await run.bootstrapToken();
  });
  after(async function () {
    this.timeout(30_000);
    await run?.stop();
  });

  it("has no password, token, key or signature in it, whatever goes well or wrong", async function () {
    this.timeout(30_000);
    const secrets = new Map<string, string>([["the webhook secret", SECRET]]);
    const secret = (name: string, value = `secret-${name.replaceAll(" ", "-")}-${newId()}`): string => {
      secrets.set(name, value);
      return value;
    };
    const credentials = {
      email: "ann@example.com",
      password: secret("a password"),
      name: "Ann",
    };
    type Tokens = { accessToken: string; refreshToken: string };
    const keep = ({ accessToken, refreshToken }: Tokens, who: string) => {
      secret(`${who}'s access token`, accessToken);
      secret(`${who}'s refresh token`, refreshToken);
      return { accessToken, refreshToken };
    };

    // Accounts: made, mistyped, refreshed twice (which ends a session), forgotten.
    await http.expect(401, "POST", "/auth/bootstrap", {
      body: { ...credentials, token: secret("a guessed bootstrap token") },
    });
    const admin = await firstAdmin(http, token);
    keep(admin, "the admin");
    keep(await http.expect<Tokens>(201, "POST", "/auth/register", { body: credentials }), "the new customer");
    await http.expect(409, "POST", "/auth/register", {
      body: { ...credentials, password: secret("a second password") },
    });
    await http.expect(422, "POST", "/auth/register", {
      body: { ...credentials, email: "x", password: secret("a refused password") },
    });
    await http.expect(422, "POST", "/auth/login", {
      body: { ...credentials, password: [secret("a listed password")] },
    });
    await http.expect(401, "POST", "/auth/login", {
      body: { email: credentials.email, password: secret("a wrong password") },
    });
    await fetch(`${run.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"password":"${secret("a malformed password")}`,
    });
    const { email, password } = credentials;
    const first = keep(
      await http.expect<Tokens>(200, "POST", "/auth/login", { body: { email, password } }),
      "the customer",
    );
    const refresh = (refreshToken: string) =>
      http.request<Tokens>("POST", "/auth/refresh", { body: { refreshToken } });
    const second = keep((await refresh(first.refreshToken)).body, "the refreshed customer");
    const third = keep((await refresh(second.refreshToken)).body, "the twice refreshed customer");
    assert.equal((await refresh(first.refreshToken)).status, 401);
    await eventually("the reuse is in the log", () => /used-up refresh token/.test(run.output()));
    await http.expect(401, "POST", "/auth/refresh", { body: { refreshToken: third.refreshToken } });
    await http.expect(202, "POST", "/auth/password/forgot", { body: { email } });
    await http.expect(401, "POST", "/auth/password/reset", {
      body: { token: secret("a reset token"), password: secret("a password to be") },
    });
    await http.with({ authorization: `Bearer ${secret("a forged token")}` }).expect(401, "GET", "/users/me");
    await http.with({ authorization: `Basic ${secret("a basic token")}` }).expect(401, "GET", "/users/me");
    await http.with({ cookie: secret("a cookie") }).expect(200, "GET", "/cart");
    await http.expect(422, "GET", `/products?access_token=${secret("a token in a query")}`);

    // Orders: paid, refunded, cancelled, refused.
    const customer = {
      ...admin,
      http: http.as(
        keep(await http.expect<Tokens>(200, "POST", "/auth/login", { body: { email, password } }), "she")
          .accessToken,
      ),
    };
    const { sku } = await putOnSale(admin);
    const placed = await order(customer, sku);
    const page = payPage(placed);
    secret("the pay page's reference", page.split("/").at(-1));
    await decide(http, page, { outcome: "succeed", times: 2 });
    await orderBecomes(customer, placed.id, "paid");
    await putInCart(customer, sku);
    const key = secret("an idempotency key");
    const body = {
      shippingAddress: anAddress(),
      payment: { provider: "sandbox", options: { phone: "1" } },
    };
    const send = () =>
      customer.http.request<OrderView>("POST", "/orders", { body, headers: { "idempotency-key": key } });
    await send();
    await send();
    await customer.http.request("POST", "/orders", {
      body: { ...body, payment: { provider: "nobody" } },
      headers: { "idempotency-key": key },
    });
    await admin.http.expect(201, "POST", `/payments/${placed.payment?.id}/refunds`, {
      body: { reason: "a scratch" },
      headers: { "idempotency-key": secret("a refund's idempotency key") },
    });
    await orderBecomes(customer, placed.id, "refunded");
    for (const signature of ["", `t=1,v1=${secret("a signature", "ab".repeat(32))}`])
      await http.expect(401, "POST", "/payments/webhooks/sandbox", {
        body: { id: "x" },
        headers: { "sandbox-signature": signature },
      });
    await eventually("the rejected webhook is in the log", () => /webhook was rejected/.test(run.output()));
    await run.terminate();

    const log = run
      .output()
      .split("\n")
      // The one deliberate exception: the box that tells the person at the terminal the bootstrap token.
      .filter((line) => !line.startsWith("│ bootstrap token"))
      .join("\n");
    assert.ok(log.length > 5_000, "the log is talkative");
    for (const [name, value] of secrets)
      assert.ok(!log.includes(value), `${name} is in the log: ${lineWith(log, value)}`);
    assert.ok(!log.includes(token), `the bootstrap token is in the log: ${lineWith(log, token)}`);
    // For secrets that this test can't know, such as the reset token: nothing looks like a random secret or a JWT.
    const suspects = [...log.matchAll(/eyJ[\w-]+|(?<![\w/.-])[\w-]{40,}(?![\w/.-])/g)]
      .map(([it]) => it)
      .filter((it) => it !== sku);
    assert.deepEqual(suspects, []);
  });

  const lineWith = (log: string, value: string) => log.split("\n").find((line) => line.includes(value));

  it("names the bootstrap token once, below the line that says how to use it", () => {
    const lines = run.output().split("\n");
    const at = lines.findIndex((line) => line.includes(token));
    assert.equal(lines.filter((line) => line.includes(token)).length, 1);
    assert.match(lines[at - 1] ?? "", /POST \/api\/v1\/auth\/bootstrap/);
  });
});
