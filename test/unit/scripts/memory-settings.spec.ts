/** Memory that V8 and glibc may keep for a process and its threads. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import diagnostics from "node:diagnostics_channel";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { createPdfPrinter } from "../../../services/payments/invoices/pdf-printer.ts";
import type { PrintedDocument } from "../../../services/payments/invoices/printed-document.ts";
import { standIn } from "../../support/stand-in.ts";

const PRELOAD = new URL("../../../scripts/support/preload.mjs", import.meta.url).href;
/** Makes objects for a while, in the main thread and in one with a limit of 12 MB, and prints what V8 then has. */
const SCRIPT = `
import { once } from "node:events";
import { getHeapSpaceStatistics } from "node:v8";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
const kept = [];
for (let round = 0; round < 60; round++) {
  kept[round % 8] = Array.from({ length: 20_000 }, (_, n) => ({ n, text: "x" + n }));
}
const young = getHeapSpaceStatistics().find((it) => it.space_name === "new_space").space_size / 2 ** 20;
if (!isMainThread) parentPort.postMessage(young);
else {
  const worker = new Worker(new URL(import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 12 } });
  const [thread] = await once(worker, "message");
  const { pid, env: { NODE_OPTIONS, MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_ } } = process;
  const args = process.argv.slice(2);
  console.log(JSON.stringify({ pid, args, young, thread, NODE_OPTIONS, MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_ }));
}`;

interface Printed {
  pid: number;
  args: string[];
  /** MB of the main thread's young generation, and of the other thread's. */
  young: number;
  thread: number;
  NODE_OPTIONS?: string;
  MALLOC_ARENA_MAX?: string;
  MALLOC_MMAP_THRESHOLD_?: string;
}

describe("The memory settings of a process", function () {
  this.timeout(60_000);
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-memory-"));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Runs the script under a name, as `npm run` does. */
  async function run(name: string, args: readonly string[] = [], given: NodeJS.ProcessEnv = {}) {
    const file = join(dir, `${name}.mjs`);
    await writeFile(file, SCRIPT);
    const { NODE_OPTIONS: _, MALLOC_ARENA_MAX: __, MALLOC_MMAP_THRESHOLD_: ___, ...env } = process.env;
    const started = promisify(execFile)(process.execPath, ["--import", PRELOAD, file, ...args], {
      env: { ...env, ...given },
    });
    const { stdout, stderr } = await started;
    const printed: Printed = JSON.parse(stdout);
    return { ...printed, stderr, started: started.child.pid };
  }

  it("are those of a server: small young generations, and blocks that are given back", async () => {
    const it = await run("start", ["--one", "two words"]);
    assert.deepEqual([it.young, it.thread], [32, 8]);
    assert.equal(it.NODE_OPTIONS, "--max-semi-space-size=16");
    assert.deepEqual([it.MALLOC_ARENA_MAX, it.MALLOC_MMAP_THRESHOLD_], ["2", "1048576"]);
    // It is still the process that was started, and nothing is printed about it.
    assert.deepEqual([it.pid, it.args, it.stderr], [it.started, ["--one", "two words"], ""]);
  });

  it("keep what the environment says", async () => {
    const it = await run("node", [], {
      NODE_OPTIONS: "--max_semi_space_size=4 --no-deprecation",
      MALLOC_ARENA_MAX: "5",
    });
    assert.deepEqual([it.young, it.MALLOC_ARENA_MAX], [8, "5"]);
    assert.equal(it.NODE_OPTIONS, "--max_semi_space_size=4 --no-deprecation");
    assert.equal(it.MALLOC_MMAP_THRESHOLD_, "1048576");
  });

  it("are of the installed command too, and of no other script", async () => {
    assert.equal((await run("souk", ["start"])).MALLOC_ARENA_MAX, "2");
    assert.equal((await run("souk", ["migrate"])).MALLOC_ARENA_MAX, undefined);
    assert.equal((await run("seed")).NODE_OPTIONS, undefined);
  });

  it("limit the young generation of each thread", async () => {
    const workers: Worker[] = [];
    const take = (message: unknown) => workers.push((message as { worker: Worker }).worker);
    diagnostics.subscribe("worker_threads", take);
    const store = await startEmbeddedMongo({ dir: ":memory:" });
    const printer = createPdfPrinter();
    // It fails, in the thread.
    await assert.rejects(printer.print({ kind: "pdf", document: standIn<PrintedDocument>({ number: "1" }) }));
    const limits = workers.map((it) => it.resourceLimits?.maxYoungGenerationSizeMb);
    diagnostics.unsubscribe("worker_threads", take);
    await Promise.all([store.close(), printer.close()]);
    assert.deepEqual(limits, [12, 12]);
  });
});
