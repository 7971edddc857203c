import assert from "node:assert/strict";
import { growingCache } from "../../../broker/resilience/growing-cache.ts";

describe("a growing cache", () => {
  it("keeps as many entries as it may, those that were used last", () => {
    const cache = growingCache<number>(3);
    for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i);
    cache.get("a");
    cache.set("d", 3);
    assert.deepEqual([...cache.keys()], ["d", "a", "c"]);
  });

  it("forgets an entry whose time is over", async () => {
    const cache = growingCache<number>(3, 20);
    cache.set("old", 1, { start: performance.now() - 15 });
    assert.equal(cache.get("old"), 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(cache.get("old"), undefined);
  });

  it("takes no memory for entries that it does not have", () => {
    const before = process.memoryUsage().heapUsed;
    const caches = Array.from({ length: 20 }, () => growingCache<number>(1_000_000));
    assert.equal(caches.length, 20);
    assert.ok(process.memoryUsage().heapUsed - before < 20_000_000, "20 arrays of a million take 160 MB");
  });
});
