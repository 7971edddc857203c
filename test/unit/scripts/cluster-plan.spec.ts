import assert from "node:assert/strict";
import fc from "fast-check";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import { clusterPlan, defaultProcesses } from "../../../scripts/support/node/cluster-plan.ts";
import core from "../../../services/index.ts";

const services = serviceNames(core);
const groups = (processes: number, counts?: Map<string, number>, all = services) =>
  clusterPlan(all, processes, counts).map((it) => it.services.join(" "));

describe("The plan of a cluster on one machine", () => {
  it("puts all services into one process, or cuts them where few calls cross", () => {
    const all =
      "api users products imports reviews cart orders returns delivery inventory payments notifications webhooks audit reports";
    assert.deepEqual(groups(1), [all]);
    const receivers = "notifications webhooks audit reports";
    assert.deepEqual(groups(2), [
      "api users products imports reviews cart orders returns",
      `delivery inventory payments ${receivers}`,
    ]);
    assert.deepEqual(groups(3), [
      "api users products imports reviews cart",
      "orders returns delivery inventory",
      `payments ${receivers}`,
    ]);
    assert.deepEqual(groups(services.length).toSorted(), [...services].sort());
  });

  it("gives services processes of their own, and names all of them", () => {
    const plan = clusterPlan(["api", "orders", "payments", "loyalty"], 1, new Map([["orders", 2]]));
    assert.deepEqual(plan, [
      { name: "api-payments-loyalty", services: ["api", "payments", "loyalty"], count: 1 },
      { name: "orders", services: ["orders"], count: 2 },
    ]);
    assert.deepEqual(
      clusterPlan(services, 1).map((it) => it.name),
      ["shop"],
    );
  });

  it("has the gateway first, each service once, and as many processes as asked for", () => {
    const some = fc.subarray([...services, "loyalty", "gifts"], { minLength: 1 });
    fc.assert(
      fc.property(
        some,
        fc.integer({ min: 1, max: 12 }),
        fc.subarray([...services]),
        (all, processes, own) => {
          const counts = new Map(own.filter((it) => all.includes(it)).map((it) => [it, 2]));
          const plan = clusterPlan(all, processes, counts);
          assert.deepEqual(plan.flatMap((it) => it.services).toSorted(), [...all].sort());
          const shared = plan.filter((it) => it.count === 1).length;
          assert.equal(shared, Math.min(processes, all.length - counts.size));
          if (all.includes("api")) assert.ok(plan[0]?.services.includes("api"));
          for (const it of plan)
            assert.equal(
              it.count === 2,
              it.services.some((name) => counts.has(name)),
            );
        },
      ),
    );
  });

  it("leaves half of the cores to the store, RabbitMQ and the customers", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 8, 16].map((it) => defaultProcesses(it)),
      [1, 1, 1, 2, 4, 8],
    );
  });
});
