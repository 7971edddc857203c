import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

describe("A heartbeat", () => {
  it("that can't be sent does not end the process: the timer that sends it awaits nothing", async () => {
    const broker = new ServiceBroker({
      ...brokerOptions(loadConfig({ NODE_ID: "one", METRICS: "off" })),
      logger: false,
      transporter: "Fake",
    });
    await broker.start();
    const { transit } = broker;
    assert.ok(transit);
    const rejected: unknown[] = [];
    const note = (error: unknown) => rejected.push(error);
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", note);
    try {
      // The channel was closed while a new connection subscribes. Whatever waits for that fails with it.
      let asked = 0;
      transit.publish = async () => {
        asked++;
        throw new Error("Channel ended, no reply will be forthcoming");
      };
      void broker.registry.discoverer.beat();
      await eventually("it was tried", () => asked === 1);
      await setImmediate();
      assert.deepEqual(rejected, []);
    } finally {
      process.off("unhandledRejection", note);
      for (const it of others) process.on("unhandledRejection", it);
      transit.publish = async () => undefined;
      await broker.stop();
    }
  });
});
