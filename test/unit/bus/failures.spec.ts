import assert from "node:assert/strict";
import { deadHeaders, readDeadHeaders } from "../../../broker/bus/amqp/dead-headers.ts";
import { describeFailure } from "../../../broker/bus/failure.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { RateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { quietLog } from "../../support/quiet-log.ts";

describe("RateLimitedLog", () => {
  it("warn at once, then at most every ten seconds per key, with the number kept back", () => {
    const log = quietLog();
    let now = 0;
    const limitedLog = new RateLimitedLog(log, { now: () => now });
    for (; now < 25_000; now += 100) limitedLog.warn("a", "again and again", { at: now });
    limitedLog.warn("b", "another");
    assert.deepEqual(
      log.lines.map((it) => [it.message, it.fields]),
      [
        ["again and again", { at: 0 }],
        ["again and again", { at: 10_000, suppressed: 99 }],
        ["again and again", { at: 20_000, suppressed: 99 }],
        ["another", {}],
      ],
    );
  });
});

describe("A failure as it travels", () => {
  it("is bounded, and names the registry's code before others", () => {
    const error = new SoukError("CONFLICT", "stock is short. ".repeat(1_000));
    const { name, message, code, stack } = describeFailure(error);
    assert.equal(name, "SoukError");
    assert.equal(message.length, 2_000);
    assert.equal(code, "CONFLICT");
    assert.equal(stack?.length, 4_000);
  });

  it("can be made from errors whose parts are not text", () => {
    const error = Object.assign(new Error(), { name: 7, message: { a: 1 }, stack: undefined, code: 11_000 });
    assert.deepEqual(describeFailure(error), {
      name: "7",
      message: "{ a: 1 }",
      code: "11000",
    });
  });

  it("comes back from the headers of a dead message", () => {
    const error = Object.assign(new RangeError("out"), { code: "E_OUT" });
    const place = { exchange: "souk", routingKey: "stock.reserve.3" };
    const headers = deadHeaders(error, 5, "souk.stock.3", place, 0);
    assert.deepEqual(readDeadHeaders(headers), {
      error: describeFailure(error),
      attempts: 5,
      queue: "souk.stock.3",
      ...place,
      time: "1970-01-01T00:00:00.000Z",
    });
    assert.equal(readDeadHeaders({ "x-death": [] }), undefined);
  });
});
