/** A shop that serves does not grow: the heap in use, once all garbage is gone, stays as it is. Nothing here is timed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const MB = 2 ** 20;
/** Some kB of each checkout: an order's document alone is as large. */
const GROWTH = 2 * MB;

describe("a shop that has served thousands of checkouts", function () {
  this.timeout(900_000);

  it("has no larger heap than before, and would show a leak", async () => {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--expose-gc", "test/leak/shop.ts"],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, NODE_ENV: "test", NODE_V8_COVERAGE: undefined },
      },
    );
    const end = () => void child.kill("SIGKILL");
    process.once("exit", end);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    process.off("exit", end);
    assert.equal(code, 0, stderr);
    const rounds = stdout
      .trim()
      .split("\n")
      .map((line): { leaked: number; heap: number } => JSON.parse(line));
    const clean = rounds.filter((it) => it.leaked === 0).map((it) => it.heap);
    const [least, last = 0] = [Math.min(...clean), clean.at(-1)];
    const shown = rounds.map((it) => (it.heap / MB).toFixed(1)).join(", ");
    console.log(`      heap in MB: ${shown}`);
    assert.equal(clean.length, 4);
    assert.ok(last - least < GROWTH, `it has grown: ${shown} MB`);

    const leaky = rounds.at(-1) ?? assert.fail();
    assert.ok(leaky.leaked > 2 * GROWTH);
    assert.ok(leaky.heap - last > GROWTH, `a leak does not show: ${shown} MB`);
  });
});
