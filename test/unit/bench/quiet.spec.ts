import assert from "node:assert/strict";
import { type Process, parseStat, treeOf } from "../../bench/measure/processes.ts";
import {
  describeOthers,
  isQuiet,
  othersBetween,
  parseBusy,
  type Snapshot,
} from "../../bench/measure/quiet.ts";
import { parseFlushes } from "../../bench/measure/store-counters.ts";
import { nameOf } from "../../bench/measure/usage.ts";

const process = (
  pid: number,
  parent: number,
  command: string,
  cpuMs: number,
  endedChildrenMs = 0,
): Process => ({
  pid,
  parent,
  command,
  cpuMs,
  endedChildrenMs,
});
const snapshotOf = (at: number, busyMs: number, processes: readonly Process[]): Snapshot => ({
  at,
  busyMs,
  processes: new Map(processes.map((it) => [it.pid, it])),
});
const KERNEL = [process(2, 0, "kthreadd", 0), process(3, 2, "kworker/0:1", 0)];
const OWN = 100;

describe("what others use of the machine", () => {
  it("is CPU time of all programs, without interrupts and idle time, with what other guests took", () => {
    const stat = "cpu  100 20 30 9999 888 77 66 5 4 3\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
    assert.equal(parseBusy(stat), (100 + 20 + 30 + 5) * 10);
  });

  it("leaves out the bench, its descendants and the kernel", () => {
    const before = snapshotOf(0, 0, [...KERNEL, process(OWN, 1, "node", 0), process(101, OWN, "node", 0)]);
    const after = snapshotOf(1_000, 1_700, [
      process(2, 0, "kthreadd", 0),
      process(3, 2, "kworker/0:1", 200),
      process(OWN, 1, "node", 500),
      process(101, OWN, "node", 300),
      process(102, 101, "node", 700),
    ]);
    const others = othersBetween(before, after, OWN, (it) => it.command);
    assert.equal(others.cores, 0);
    assert.ok(isQuiet(others));
  });

  it("counts the bench's ended children as its own", () => {
    const before = snapshotOf(0, 0, [process(OWN, 1, "node", 0, 50)]);
    const after = snapshotOf(1_000, 400, [process(OWN, 1, "node", 100, 350)]);
    assert.equal(othersBetween(before, after, OWN).cores, 0);
  });

  it("names the largest by command, also what is in other containers", () => {
    const before = snapshotOf(0, 0, [
      process(7, 1, "beam.smp", 1_000),
      process(8, 1, "mocha", 0),
      process(9, 1, "mocha", 0),
    ]);
    const after = snapshotOf(2_000, 2_000, [
      process(7, 1, "beam.smp", 1_200),
      process(8, 1, "mocha", 700),
      process(9, 1, "mocha", 500),
    ]);
    const others = othersBetween(before, after, OWN, (it) => it.command);
    assert.equal(others.cores.toFixed(6), "1.000000");
    assert.ok(!isQuiet(others));
    assert.equal(
      describeOthers(others),
      "1.00 cores (mocha 0.60, processes that are not visible here, or have ended 0.30, beam.smp 0.10)",
    );
  });
});

describe("processes", () => {
  it("are read with brackets and spaces in their names", () => {
    const text = "42 (tmux: (server) x) S 7 1 1 0 -1 4194560 1 1 0 0 12 3 20 5 20 0 1 0 9 1 1";
    assert.deepEqual(parseStat(text), process(42, 7, "tmux: (server) x", 150, 250));
  });

  it("form trees", () => {
    const all = new Map(
      [process(1, 0, "init", 0), process(5, 1, "a", 0), process(6, 5, "b", 0), process(7, 6, "c", 0)].map(
        (it) => [it.pid, it],
      ),
    );
    assert.deepEqual(
      treeOf(5, all).map((it) => it.pid),
      [5, 6, 7],
    );
    assert.deepEqual(treeOf(99, all), []);
  });

  it("are called by what they run", () => {
    const preload = ["--import", "file:///souk/scripts/support/preload.mjs"];
    for (const [args, name] of [
      [["node", ...preload, "/souk/scripts/start.ts"], "start"],
      [["node", ...preload, "/souk/scripts/node.ts", "orders", "inventory"], "orders+inventory"],
      [["node", ...preload, "/souk/scripts/node.ts", "api", "users", "cart"], "api and 2 more"],
      [["node", "/souk/packages/embedded-mongo/src/main.ts", "--dir", "/data/mongo"], "store"],
      [["/usr/bin/node", "node_modules/mocha/bin/mocha.js", "a.spec.ts"], "mocha"],
      [["node"], "process"],
    ] as const)
      assert.equal(nameOf(args), name);
  });
});

describe("flushes of a disk", () => {
  const diskstats = [
    "   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
    " 254       0 vda 37911 6409 1575850 12717 117101 71437 10635112 76442 0 20616 98003 17942 69 2151880 1616 27270 7227",
    " 254       1 vda1 1 2 3 4 5 6 7 8 9 10 11",
  ].join("\n");
  const device = (major: number, minor: number) => (major << 8) | minor;

  it("are those of the device, where its kernel counts them", () => {
    assert.equal(parseFlushes(diskstats, device(254, 0)), 27_270);
    assert.equal(parseFlushes(diskstats, device(254, 1)), null);
    assert.equal(parseFlushes(diskstats, device(8, 0)), null);
  });
});
