import assert from "node:assert/strict";
import { ServiceBroker } from "moleculer";
import { moleculerMetrics } from "../../../broker/http/metrics.ts";
import { registerRequestMetrics } from "../../../broker/moleculer/operations/request-metrics.ts";

describe("Metrics of calls", () => {
  it("count each action's calls by their time, and failures by their code", async () => {
    const broker = new ServiceBroker({ logger: false, metrics: { enabled: true, reporter: [] } });
    registerRequestMetrics(broker.metrics);
    broker.createService({
      name: "probe",
      actions: {
        ping: () => "pong",
        fail: () => {
          throw new Error("on purpose");
        },
      },
    });
    await broker.start();
    try {
      await broker.call("probe.ping");
      await broker.call("probe.ping");
      await assert.rejects(broker.call("probe.fail"));
      const lines = moleculerMetrics(broker.metrics).split("\n");
      for (const line of [
        'moleculer_request_time_bucket{action="probe.ping",le="10000"} 2',
        'moleculer_request_time_bucket{action="probe.ping",le="+Inf"} 2',
        'moleculer_request_time_count{action="probe.fail"} 1',
      ])
        assert.ok(lines.includes(line), line);
      const failures = lines.find((it) => it.startsWith("moleculer_request_error_total{"));
      assert.match(failures ?? "", /action="probe\.fail".*\} 1$/);
      assert.ok(!lines.some((it) => /^moleculer_request_(total|active|levels)/.test(it)));
    } finally {
      await broker.stop();
    }
  });

  it("are nothing where they are switched off", () => {
    const broker = new ServiceBroker({ logger: false, metrics: false });
    registerRequestMetrics(broker.metrics);
    assert.equal(moleculerMetrics(broker.metrics), "");
  });
});
