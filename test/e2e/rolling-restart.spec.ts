/**
 * A shop whose processes are restarted one after the other while people read, fill carts and order. No request fails.
 */
import assert from "node:assert/strict";
import { serviceNames } from "../../broker/moleculer/extension.ts";
import core from "../../services/index.ts";
import { figuresOf, rollingRestart } from "../rolling-restart/run.ts";
import { type PrivateRabbit, privateRabbit } from "../support/rabbit/private-rabbit.ts";

describe("A rolling restart", function () {
  this.timeout(240_000);
  let rabbit: PrivateRabbit;

  before(async () => {
    rabbit = await privateRabbit("rolling");
  });
  after(() => rabbit?.stop());

  it("of two gateways and two nodes with all services fails no request and no order", async () => {
    const lines: string[] = [];
    const run = await rollingRestart({
      plan: [
        { name: "shop", services: serviceNames(core).filter((it) => it !== "api"), count: 2 },
        { name: "api", services: ["api"], count: 2 },
      ],
      amqpUrl: rabbit.url,
      print: (line) => console.log(`      ${line}`),
      log: (line) => lines.push(line),
    });
    for (const line of figuresOf(run).split("\n")) console.log(`      ${line}`);
    const { failed, failures, orders, paid, requests } = run;
    assert.equal(failed, 0, `${failures.slice(0, 10).join("\n")}\n${lines.slice(-40).join("\n")}`);
    assert.equal(paid, orders);
    assert.ok(requests > 200 && orders > 5, `${requests} requests, ${orders} orders`);
  });
});
