import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CRASH_POINTS, type CrashPoint } from "../../../broker/actor/runtime/crash-points.ts";

const SCRIPT = join(import.meta.dirname, "support", "crash-run.ts");

interface Run {
  signal: NodeJS.Signals | null;
  code: number | null;
  out: string;
  err: string;
}

function run(dir: string, point: CrashPoint | "none", passes = 0): Promise<Run> {
  const child = spawn(process.execPath, [SCRIPT, dir, point, String(passes)], { timeout: 50_000 });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}

describe("A process that is killed and started again", function () {
  this.timeout(120_000);
  const dirs: string[] = [];
  let clean: string;

  const newDir = async () => {
    const dir = await mkdtemp(join(tmpdir(), "souk-crash-"));
    dirs.push(dir);
    return dir;
  };

  before(async () => {
    const { out, code, err } = await run(await newDir(), "none");
    assert.equal(code, 0, err);
    clean = out;
    const { orders } = JSON.parse(clean) as { orders: [string, string][] };
    assert.deepEqual(
      orders.map(([, status]) => status),
      ["paid", "paid", "paid", "paid", "paid", "paid", "rejected", "rejected"],
    );
  });
  after(() => Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true }))));

  for (const point of CRASH_POINTS)
    for (const passes of [3, 17])
      it(`comes to the same as one that was not: ${point}, after ${passes} times`, async () => {
        const dir = await newDir();
        const killed = await run(dir, point, passes);
        assert.equal(killed.signal, "SIGKILL", `it reaches the fault point ${killed.err}`);
        const again = await run(dir, "none");
        assert.equal(again.code, 0, again.err);
        assert.deepEqual(JSON.parse(again.out), JSON.parse(clean));
      });
});
