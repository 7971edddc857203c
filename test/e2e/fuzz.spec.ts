import assert from "node:assert/strict";
import { fuzz, printed } from "../fuzz/run.ts";
import { type FuzzedShop, startFuzzedShop } from "../fuzz/shop.ts";

/**
 * The same each time, so that a failure belongs to the present change. `npm run fuzz` sends many more, and others.
 */
const REQUESTS = 1_500;
const SEED = 20_261_127;

describe("A shop under fuzzed requests", function () {
  this.timeout(180_000);
  let shop: FuzzedShop;
  before(async () => {
    shop = await startFuzzedShop();
  });
  after(() => shop?.stop());

  it("answers each below 500, in time, and as docs/openapi.json says", async () => {
    const report = await fuzz({ ...shop, requests: REQUESTS, seed: SEED });
    const lines = printed(report);
    for (const line of lines) console.log(`      ${line}`);
    assert.equal(report.fault.length, 0, `faults with seed ${SEED}, above`);
    assert.ok(report.sent >= REQUESTS);
    // Requests that are only ever refused would test little.
    assert.ok(report.succeeded.length > 30, lines[2]);
  });
});
