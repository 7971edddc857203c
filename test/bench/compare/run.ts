/** Runs benches of shops in rounds, the sides in turn, on a quiet machine where there is one. */

import { describeOthers, isQuiet, type Others, untilQuiet } from "../measure/quiet.ts";
import { watchOthers } from "../measure/watch.ts";
import type { Mode } from "../shop/shop-process.ts";
import type { ShopBench } from "../shop-benches.ts";
import { type Round, type SummaryLine, shortNumber, summarize, tableOf } from "./summary.ts";

export interface Side {
  name: string;
  /** Folder of its Souk. */
  dir: string | undefined;
}

export interface RunOptions {
  /** What is of interest first, then what it is compared with, if anything. */
  sides: readonly Side[];
  benches: Readonly<Record<string, ShopBench>>;
  modes: readonly Mode[];
  rounds: number;
  seconds: number;
  count: number;
  /** Seconds that all rounds together may wait for a quiet machine. */
  wait: number;
  print(line: string): void;
}

export interface BenchResult {
  bench: string;
  mode: Mode;
  rounds: (Round & { others: Others })[];
  summary: SummaryLine[];
}

export async function runShopBenches(options: RunOptions): Promise<BenchResult[]> {
  const { sides, benches, modes, print } = options;
  const results: BenchResult[] = [];
  const patience = { leftMs: options.wait * 1_000 };
  for (const [name, bench] of Object.entries(benches))
    for (const mode of modes.filter((it) => bench.modes.includes(it))) {
      const rounds = await runRounds(name, bench, mode, options, patience);
      const summary = summarize(
        rounds,
        sides.map((it) => it.name),
      );
      print(`\n${name}, ${mode}\n${tableOf(summary)}\n`);
      results.push({ bench: name, mode, rounds, summary });
    }
  return results;
}

async function runRounds(
  name: string,
  bench: ShopBench,
  mode: Mode,
  { sides, rounds: count, seconds, count: products, print }: RunOptions,
  patience: { leftMs: number },
): Promise<BenchResult["rounds"]> {
  const rounds: BenchResult["rounds"] = [];
  for (let round = 1; round <= count; round++)
    // What it is compared with goes first: A B A B A B.
    for (const side of [...sides].reverse()) {
      const title = `${name} ${mode} ${round}/${count} ${side.name}`;
      const asked = performance.now();
      const before = await untilQuiet(patience.leftMs, print);
      patience.leftMs -= performance.now() - asked;
      const watch = watchOthers();
      const figures = await bench
        .run({ mode, seconds, count: products, ...(side.dir === undefined ? {} : { root: side.dir }) })
        .catch((cause: unknown) => {
          throw new Error(`${title} failed`, { cause });
        });
      const others = watch.stop();
      const [first] = figures;
      if (first) print(`${title}: ${first.title} ${shortNumber(first.value ?? 0)} ${first.unit}`);
      if (!isQuiet(before) || !isQuiet(others))
        print(`BUSY MACHINE: others used ${describeOthers(others)} meanwhile`);
      rounds.push({ side: side.name, figures, others });
    }
  return rounds;
}
