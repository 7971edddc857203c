import assert from "node:assert/strict";
import { percentile, spreadOf } from "../../bench/measure/statistics.ts";

describe("statistics of a bench", () => {
  it("has min, median and max, whatever the order", () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { min: 1, median: 2, max: 3 });
    assert.deepEqual(spreadOf([10, 2, 4, 100]), { min: 2, median: 7, max: 100 });
    assert.deepEqual(spreadOf([5]), { min: 5, median: 5, max: 5 });
    assert.throws(() => spreadOf([]), /no samples/);
  });

  it("has percentiles", () => {
    const samples = Array.from({ length: 100 }, (_, n) => 100 - n);
    assert.deepEqual(
      [percentile(samples, 0), percentile(samples, 0.5), percentile(samples, 0.99)],
      [1, 51, 100],
    );
    assert.equal(percentile(samples, 1), 100);
    assert.equal(percentile([], 0.5), 0);
  });
});
