import assert from "node:assert/strict";
import { sharedValue, singleFlight } from "../../../broker/resilience/single-flight.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";

/** Work that a test ends by hand. */
function byHand() {
  const runs: PromiseWithResolvers<string>[] = [];
  return {
    runs,
    work: () => {
      const run = Promise.withResolvers<string>();
      runs.push(run);
      return run.promise;
    },
  };
}

describe("a single flight", () => {
  it("serves all who ask meanwhile, and starts again for who asks later", async () => {
    const { runs, work } = byHand();
    const ask = singleFlight(work);
    const both = [ask(), ask()];
    runs[0]?.resolve("one");
    assert.deepEqual(await Promise.all(both), ["one", "one"]);
    const later = ask();
    runs[1]?.resolve("two");
    assert.equal(await later, "two");
    assert.equal(runs.length, 2);
  });

  it("fails for all who wait, and starts again", async () => {
    const { runs, work } = byHand();
    const ask = singleFlight(work);
    const both = [ask(), ask()];
    runs[0]?.reject(new Error("no"));
    for (const it of both) await assert.rejects(it, /^Error: no$/);
    const later = ask();
    runs[1]?.resolve("two");
    assert.equal(await later, "two");
  });
});

describe("a shared value", () => {
  it("is loaded once, and again when its time is over, counted from when its load began", async () => {
    const clock = movableClock();
    const { runs, work } = byHand();
    const value = sharedValue(work, { clock, keepMs: (it) => it.length });
    const first = value.get();
    clock.advance(2);
    runs[0]?.resolve("12345");
    assert.equal(await first, "12345");
    clock.advance(2);
    assert.equal(await value.get(), "12345");
    clock.advance(1);
    const second = value.get();
    runs[1]?.resolve("6");
    assert.equal(await second, "6");
    assert.equal(runs.length, 2);
  });

  it("is kept for ever where nothing says how long", async () => {
    const { runs, work } = byHand();
    const value = sharedValue(work);
    const first = value.get();
    runs[0]?.resolve("a");
    await first;
    assert.equal(await value.get(), "a");
    assert.equal(runs.length, 1);
  });

  it("is not kept when it could not be loaded", async () => {
    const { runs, work } = byHand();
    const value = sharedValue(work);
    const first = value.get();
    runs[0]?.reject(new Error("no"));
    await assert.rejects(first, /^Error: no$/);
    const second = value.get();
    runs[1]?.resolve("a");
    assert.equal(await second, "a");
  });

  it("is forgotten, unless another has taken its place", async () => {
    let n = 0;
    const value = sharedValue(async () => `value ${++n}`);
    assert.equal(await value.get(), "value 1");
    value.forget((it) => it === "value 0");
    assert.equal(await value.get(), "value 1");
    value.forget((it) => it === "value 1");
    assert.equal(await value.get(), "value 2");
  });
});
