import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { prepareRunner } from "../../scripts/support/node/runner.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import { firstAdmin, home, paidOrder, putInCart, putOnSale, signUp } from "../../souk/testing/people.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";

for (const runner of ["moleculer-runner", "moleculer-runner-esm"] as const)
  describe(`${runner} on moleculer.config.ts`, function () {
    this.timeout(60_000);
    let shop: ScriptRun;
    let http: HttpClient;
    let asked = 0;
    /** A payment provider that takes requests and never answers. */
    const provider = createServer(() => {
      asked++;
    });

    before(async () => {
      provider.listen(0, "127.0.0.1");
      await once(provider, "listening");
      shop = await startScript(runner, {
        env: {
          STRIPE_SECRET_KEY: "sk_test_of_a_provider_that_hangs",
          STRIPE_WEBHOOK_SECRET: "whsec_of_a_provider_that_hangs",
          STRIPE_API_BASE: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
          PROVIDER_TIMEOUT: "3s",
          // The runner would take this for an option of its own.
          METRICS: "on",
        },
      });
      http = new HttpClient(shop.url);
    });

    after(async () => {
      await shop?.stop();
      provider.closeAllConnections();
      provider.close();
    });

    it("serves the shop, drains on SIGTERM and ends with 0", async () => {
      const admin = await firstAdmin(http, await shop.bootstrapToken());
      const { sku } = await putOnSale(admin);
      const customer = await signUp(http);
      await paidOrder(customer, sku);

      await putInCart(customer, sku);
      const answer = customer.http.request<{ id: string; status: string }>("POST", "/orders", {
        body: { shippingAddress: home, payment: { provider: "stripe" } },
        headers: { "idempotency-key": '"under way"', prefer: "wait=2" },
      });
      await eventually("the provider is asked", () => asked > 0);
      const ended = shop.terminate();
      const { status, body } = await answer;
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal(await ended, 0, shop.output());
      assert.doesNotMatch(shop.output(), / (ERROR|FATAL) /);
    });
  });

describe("the environment of moleculer-runner", () => {
  it("loses what the runner would misunderstand, and names services as it wants them named", () => {
    const env: NodeJS.ProcessEnv = {
      METRICS: "on",
      NAMESPACE: "1",
      TRANSPORTER: "AMQP",
      SERVICES: "orders, cart api",
      PORT: "1",
    };
    prepareRunner(env);
    assert.deepEqual(env, { SERVICES: "orders,cart,api", SERVICEDIR: "services", PORT: "1" });
  });
});

describe("moleculer-runner that can't start", () => {
  it("says in one line why", () => {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["node_modules/moleculer/bin/moleculer-runner.js", "-c", "moleculer.config.ts"],
      { env: { ...process.env, PORT: "eighty" }, encoding: "utf8", timeout: 20_000 },
    );
    assert.equal(status, 1, stdout);
    assert.match(stderr, /^ {2}PORT: /m);
    assert.doesNotMatch(stderr, /at .*\.ts/);
  });
});
