import assert from "node:assert/strict";
import { sumOf, type Usage, usageBetween } from "../../bench/measure/usage.ts";
import { parseCounters } from "../../bench/shop/bench-rabbit.ts";

const usage = (total: number, main: number, store: number, v8: number, libuv: number): Usage => ({
  total,
  main,
  store,
  v8,
  libuv,
});

describe("CPU time of a shop", () => {
  it("is what its processes have used since, also those that are new", () => {
    const before = new Map([
      ["orders", usage(100, 60, 0, 30, 5)],
      ["ended", usage(50, 50, 0, 0, 0)],
    ]);
    const after = new Map([
      ["orders", usage(160, 100, 0, 45, 6)],
      ["store", usage(40, 0, 30, 5, 5)],
    ]);
    const between = usageBetween(before, after);
    assert.deepEqual(
      [...between],
      [
        ["orders", usage(60, 40, 0, 15, 1)],
        ["store", usage(40, 0, 30, 5, 5)],
      ],
    );
    assert.deepEqual(sumOf(between), usage(100, 40, 30, 20, 6));
  });
});

describe("RabbitMQ's counters", () => {
  it("are read beside what the expression returns, and missing where RabbitMQ has none", () => {
    assert.deepEqual(parseCounters("12 7 15ok\n"), { received: 12, confirmed: 7, delivered: 15 });
    assert.equal(parseCounters("Error:\n{:undef, [{:rabbit_global_counters, :overview, [], []}]}"), null);
    assert.equal(parseCounters(""), null);
  });
});
