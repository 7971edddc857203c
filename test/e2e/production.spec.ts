import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Problem } from "../../broker/http/problem.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import {
  type Article,
  decide,
  firstAdmin,
  order,
  orderBecomes,
  orderCart,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signIn,
  signUp,
  stockBecomes,
} from "../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../souk/testing/start-shop.ts";
import { EMBEDDED, runScript } from "../support/scripts/run-script.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";

const production = {
  NODE_ENV: "production",
  ALLOW_EMBEDDED: "1",
  RATE_LIMIT: "off",
  MAIL: "off",
  // Never called here.
  STRIPE_SECRET_KEY: "sk_live_of_nobody_at_all",
  STRIPE_WEBHOOK_SECRET: "whsec_of_nobody_at_all",
};

describe("a shop in production has none of development's conveniences", function () {
  this.timeout(90_000);
  let dataDir: string;
  let port: number;
  let run: ScriptRun;
  let http: HttpClient;
  let article: Article;
  let customer: Person;
  let opened: OrderView;
  let webhook: string;

  const start = async (env: Record<string, string>) => {
    run = await startScript("start", { dataDir, port, env });
    http = new HttpClient(run.url);
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "souk-production-"));
    port = await freePort();
    // The shop was tried before its production start.
    await start({ SEED_ON_START: "false", RATE_LIMIT: "off", MAX_OPEN_ORDERS: "10" });
    assert.ok(await run.bootstrapToken());
    await run.terminate();
    await start({ SEED_ON_START: "false", RATE_LIMIT: "off", BOOTSTRAP_TOKEN });
    const admin = await firstAdmin(http);
    article = await putOnSale(admin, { onHand: 5 });
    customer = await signUp(http);
    opened = await order(customer, article.sku);
    webhook = `${run.url}/api/v1/payments/webhooks/sandbox`;
    await run.terminate();
    await start(production);
    customer = await signIn(http, customer.email);
  });
  after(async () => {
    await run?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("takes no orders that are paid in the sandbox", async () => {
    await putInCart(customer, article.sku);
    const { status, body } = await orderCart<Problem>(customer);
    assert.equal(status, 422, JSON.stringify(body));
    const { code, errors } = body;
    assert.equal(code, "PROVIDER_UNKNOWN");
    assert.deepEqual(errors, [{ field: "payment.provider", message: "must be one of stripe" }]);
    assert.doesNotMatch(run.output(), /SANDBOX=on/);
  });

  it("has neither the sandbox's page nor its webhook, also for what was opened before", async () => {
    const page = payPage(opened);
    assert.equal((await http.request("GET", page)).status, 404);
    assert.equal((await decide(http, page, { outcome: "succeed" })).status, 404);
    const told = await http.request("POST", webhook, { body: { id: "evt_1", type: "payment.captured" } });
    assert.equal(told.status, 404);
    const now = await customer.http.expect<OrderView>(200, "GET", `/orders/${opened.id}`);
    assert.equal(now.status, "awaiting_payment");
  });

  it("lets what was opened there be cancelled, and gives the stock back", async () => {
    await customer.http.expect(200, "POST", `/orders/${opened.id}/cancel`);
    await orderBecomes(customer, opened.id, "cancelled");
    await stockBecomes(http, article.sku, { onHand: 5, held: 0, available: 5 });
  });

  it("shows no metrics to the public", async () => {
    assert.equal((await fetch(`${run.url}/metrics`)).status, 404);
    assert.equal((await fetch(`${run.opsUrl}/metrics`)).status, 200);
  });

  it("says loudly when the sandbox is on, and then takes its payments", async () => {
    await run.terminate();
    await start({ ...production, SANDBOX: "on" });
    assert.match(
      run.output(),
      /"level":"warn".*SANDBOX=on in production|SANDBOX=on in production.*"level":"warn"/,
    );
    const again = await signIn(http, customer.email);
    const placed = await orderCart(again);
    assert.equal(placed.status, 201, JSON.stringify(placed.body));
    assert.equal((await decide(http, payPage(placed.body), { outcome: "succeed" })).status, 202);
    await orderBecomes(again, placed.body.id, "paid");
  });
});

describe("the first start of a shop in production", function () {
  this.timeout(90_000);
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "souk-production-"));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it("prints no token, seeds nothing, and lets nobody in without BOOTSTRAP_TOKEN", async () => {
    const run = await startScript("start", { dataDir, env: production });
    try {
      assert.doesNotMatch(run.output(), /with token|bootstrap token /);
      assert.match(run.output(), /set BOOTSTRAP_TOKEN/);
      const http = new HttpClient(run.url);
      const { items } = await http.expect<{ items: unknown[] }>(200, "GET", "/products");
      assert.deepEqual(items, []);
      const body = {
        token: "0123456789abcdef",
        email: "boss@example.com",
        password: "a-long-passphrase",
        name: "Boss",
      };
      const { status } = await http.request("POST", "/auth/bootstrap", { body });
      assert.ok(status === 401 || status === 403, String(status));
    } finally {
      await run.stop();
    }
  });

  it("prints a generated token in the box of each start elsewhere, until there is an admin", async () => {
    const env = { SEED_ON_START: "false" };
    const first = await startScript("start", { dataDir, env });
    const token = await first.bootstrapToken();
    await first.terminate();
    const second = await startScript("start", { dataDir, env });
    assert.equal(await second.bootstrapToken(), token);
    await firstAdmin(new HttpClient(second.url), token);
    await second.terminate();
    const third = await startScript("start", { dataDir, env });
    await eventually("the box is printed", () => /Souk is running/.test(third.output()));
    await third.terminate();
    assert.ok(!third.output().includes(token), third.output());
    assert.doesNotMatch(third.output(), /no admin yet/);
  });

  it("logs a generated token once where there is no box, and says at the next start where it is", async () => {
    const env = { SEED_ON_START: "false" };
    const first = await startScript("node", { dataDir, env });
    const token = await first.bootstrapToken();
    await first.terminate();
    const second = await startScript("node", { dataDir, env });
    await second.terminate();
    assert.ok(!second.output().includes(token), second.output());
    assert.match(second.output(), /no admin yet: .*first start printed, or set BOOTSTRAP_TOKEN/);
  });

  for (const address of [
    "http://127.0.0.1:4101",
    "https://localhost:4101",
    "http://[::1]:4101",
    "https://127.1",
    "https://[::ffff:127.0.0.1]",
  ])
    it(`refuses a provider at ${address}`, async () => {
      const own = { OPS_PORT: "off", DATA_DIR: dataDir, STRIPE_API_BASE: address };
      const { code, stderr } = await runScript("start", [], { ...EMBEDDED, ...production, ...own });
      assert.equal(code, 1);
      assert.match(
        stderr.trimEnd().split("\n").at(-1) ?? "",
        /^Souk can't start: STRIPE_API_BASE: must be the provider's own https:\/\/ address in production$/,
      );
    });
});
