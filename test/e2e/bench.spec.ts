/** `npm run bench` as it is typed. Its figures say nothing on a machine that runs tests. Their form is checked. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../souk/testing/eventually.ts";
import { allProcesses, commandLine } from "../bench/measure/processes.ts";
import { runScript } from "../support/scripts/run-script.ts";

/** What a comparison must tell. */
const FIGURES = [
  "checkouts at 32 users",
  "checkouts at 8 users",
  "checkouts at 1 user",
  "POST /orders at 32 users, p50",
  "POST /orders at 32 users, p99",
  "CPU a checkout",
  "… main threads",
  "… store",
  "… V8's helpers",
  "… libuv's pool",
  "CPU of the load generator a checkout",
  "store commands a checkout",
  "store commits a checkout",
  "store flushes (fdatasync) a checkout",
  "memory, idle",
  "memory, peak",
];
const BRIEF = ["checkout", "--mode", "embedded", "--seconds", "1", "--rounds", "1", "--wait", "0"];

describe("npm run bench", function () {
  this.timeout(300_000);
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "bench-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** Compiled code stays, for the next start. */
  const left = async () => (await readdir(dir)).filter((it) => it !== "node-compile-cache");

  it("compare measures this tree and a commit, prints ratios, writes JSON and leaves nothing", async () => {
    const file = join(dir, "figures.json");
    const args = ["compare", "HEAD", ...BRIEF, "--json", file];
    const { code, output } = await runScript("dev/bench", args, { TMPDIR: dir });
    assert.equal(code, 0, output);
    assert.match(
      output,
      /^this machine: JSON and SHA-256 .*\d\/s; fdatasync .*\d\/s; amqplib, .*: not counted$/m,
    );
    assert.match(output, /^ +today: min · median · max +[0-9a-f]{7,}: min · median · max +ratio today : /m);
    assert.match(output, /^checkouts at 32 users +\/s +[\d.]+ +[\d.]+ +\d+\.\d\d/m);

    const report = JSON.parse(await readFile(file, "utf8"));
    assert.equal(report.calibration.length, 3);
    assert.deepEqual(report.options, {
      mode: "embedded",
      seconds: 1,
      rounds: 1,
      count: 1_000,
      orders: [50_000],
      wait: 0,
    });
    const [{ bench, mode, rounds, others, summary }] = report.results;
    assert.deepEqual([bench, mode, rounds.length, others.length], ["checkout", "embedded", 2, 2]);
    for (const { figures } of rounds)
      for (const title of FIGURES) {
        const found = figures.find((it: { title: string }) => it.title === title);
        assert.ok(found?.value > 0, `${title}: ${found?.value}`);
      }
    const [speed] = summary;
    assert.equal(speed.sides.length, 2);
    const [today, commit] = speed.sides.map((it: { spread: { median: number } }) => it.spread.median);
    assert.equal(speed.ratio.median, today / commit);
    assert.deepEqual(await left(), ["figures.json"]);
  });

  it("ends what it has started when it is interrupted", async () => {
    const args = ["--import", "./scripts/support/preload.mjs", "scripts/dev/bench.ts", ...BRIEF];
    const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: dir }, stdio: "ignore" });
    const shops = () =>
      [...allProcesses().values()].filter(
        (it) =>
          it.parent === child.pid && commandLine(it.pid).some((arg) => arg.endsWith("scripts/start.ts")),
      );
    await eventually("the shop starts", () => shops().length > 0, 60_000);
    const [shop] = shops();
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [130, null]);
    assert.ok(shop && !allProcesses().has(shop.pid));
    assert.deepEqual(await left(), []);
  });
});
