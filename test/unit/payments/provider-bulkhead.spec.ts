/** Bulkhead at a provider. One that hangs or fails takes no more than its share of slots. It gets them back when it works again. */
import assert from "node:assert/strict";
import { createBulkhead } from "../../../services/payments/provider-calls/provider-bulkhead.ts";

describe("slots at a provider", () => {
  const many = (n: number, name: string, bulkhead = createBulkhead()) =>
    Promise.all(Array.from({ length: n }, () => bulkhead.take(name)));
  const granted = <T>(some: readonly (T | null)[]) => some.filter((it) => it !== null);

  it("are at most twenty at once while it hangs, and there are others elsewhere", async () => {
    const bulkhead = createBulkhead();
    const begun = Date.now();
    const [first, other] = await Promise.all([
      many(60, "slow check", bulkhead),
      many(20, "other check", bulkhead),
    ]);
    assert.deepEqual([granted(first).length, granted(other).length], [20, 20]);
    const waited = Date.now();
    assert.ok(waited - begun >= 900, "others are waited for, a little");
    assert.deepEqual(granted(await many(100, "slow check", bulkhead)), []);
    assert.ok(Date.now() - waited < 500, "but not by each in turn");
  });

  it("go on to who waits when a call ends", async () => {
    const bulkhead = createBulkhead();
    const [end] = await many(20, "a check", bulkhead);
    const next = bulkhead.take("a check");
    end?.(true);
    assert.ok(await next);
    assert.equal(await bulkhead.take("a check"), null, "there are still twenty");
  });

  it("are three while everything fails, at once for all, and all when something has worked", async () => {
    const bulkhead = createBulkhead();
    for (let n = 0; n < 5; n++) (await bulkhead.take("a check"))?.(false);
    const begun = Date.now();
    const [one, ...others] = granted(await many(50, "a check", bulkhead));
    assert.equal(others.length, 2);
    assert.ok(Date.now() - begun < 500);
    one?.(true);
    assert.equal(granted(await many(18, "a check", bulkhead)).length, 18);
  });

  it("are not given to those who wait when it bulkhead out to fail", async () => {
    const bulkhead = createBulkhead();
    const ends = await many(20, "a check", bulkhead);
    const waiting = many(5, "a check", bulkhead);
    for (const end of ends.slice(0, 5)) end?.(false);
    assert.equal(granted(await waiting).length, 4, "four calls had failed before that was clear");
  });
});
