import assert from "node:assert/strict";
import { tableOf } from "../../scripts/chaos/check.ts";
import { fewProcesses } from "../../scripts/chaos/cluster.ts";
import { runChaos } from "../../scripts/chaos/run.ts";

describe("a short run of chaos: a cluster on its own RabbitMQ and store, every kind of process killed with -9", () => {
  it("loses nothing, does nothing twice, and comes to rest", async function () {
    this.timeout(300_000);
    const lines: string[] = [];
    const { results, recoveries, keptIn } = await runChaos({
      orders: 60,
      seconds: 12,
      seed: 20_261_121,
      plan: fewProcesses,
      brief: true,
      customers: 12,
      orderTtl: 10,
      patienceMs: 15_000,
      settleMs: 150_000,
      print: (line) => lines.push(line),
    });
    const failed = results.filter((it) => it.failures.length > 0);
    const story = () => [...lines, tableOf(results), `data and logs are in ${keptIn}`].join("\n");
    assert.deepEqual(failed, [], story());

    const killed = new Set(recoveries.filter((it) => it.isKill).map((it) => it.act.replace(/-\d$/, "")));
    const kinds = ["actors", "others", "api", "rabbitmq", "store"];
    assert.deepEqual([...killed].sort(), kinds.map((it) => `kill -9 ${it}`).sort(), story());
    const unserved = recoveries.filter((it) => it.ms === null);
    assert.deepEqual(unserved, [], story());
    // The checks have looked at something.
    const count = (name: RegExp) => results.find((it) => name.test(it.name))?.count ?? 0;
    assert.ok(count(/2xx exists/) >= 40, story());
    assert.ok(count(/no gap/) >= 500, story());
  });
});
