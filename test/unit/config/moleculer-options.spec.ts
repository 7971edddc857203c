import assert from "node:assert/strict";
import { Errors } from "moleculer";
import { SoukError } from "../../../broker/contract/errors.ts";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";

describe("The circuit breaker", () => {
  const opensAt = (error: Error) => brokerOptions(loadConfig({})).circuitBreaker?.check?.(error);

  it("counts failures of the node that was called", () => {
    assert.equal(opensAt(new Errors.RequestTimeoutError({ action: "a.b", nodeID: "n" })), true);
    assert.equal(opensAt(new SoukError("UNAVAILABLE")), true);
    assert.equal(opensAt(new TypeError("a bug")), true);
  });

  it("counts neither refusals nor that this node is cut off itself", () => {
    assert.equal(opensAt(new SoukError("NOT_FOUND")), false);
    assert.equal(opensAt(new Errors.BrokerDisconnectedError("not connected")), false);
  });
});
