import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { remoteTimeout } from "../../../broker/moleculer/middlewares/remote-timeout.ts";

const SHUTDOWN_TIMEOUT_MS = 6_000;

describe("a call to another node whose answer is lost", () => {
  it("is over when it has timed out, so that a stop does not wait for it", async function () {
    this.timeout(15_000);
    const namespace = randomUUID();
    const broker = (nodeID: string) =>
      new ServiceBroker({
        nodeID,
        namespace,
        logger: false,
        transporter: "Fake",
        middlewares: [remoteTimeout],
        tracking: { enabled: true, shutdownTimeout: SHUTDOWN_TIMEOUT_MS },
        skipProcessEventRegistration: true,
      });
    const [caller, callee] = [broker("caller"), broker("callee")];
    callee.createService({
      name: "other",
      actions: {
        echo: (ctx) => ctx.params,
        fail: () => {
          throw new Error("no");
        },
      },
    });
    await Promise.all([caller.start(), callee.start()]);
    await caller.waitForServices("other", 5_000, 20);
    try {
      const options = { timeout: 300 };
      assert.deepEqual(await caller.call("other.echo", { n: 1 }, options), { n: 1 });
      await assert.rejects(caller.call("other.fail", {}, options), /no/);
      if (callee.transit) callee.transit.sendResponse = async () => undefined;
      await assert.rejects(caller.call("other.echo", {}, options), { name: "RequestTimeoutError" });

      const started = performance.now();
      await caller.stop();
      const took = performance.now() - started;
      assert.ok(took < SHUTDOWN_TIMEOUT_MS / 2, `stopping took ${took} ms`);
    } finally {
      await Promise.all([caller.stop(), callee.stop()]);
    }
  });
});
