/** Runs benches in rounds, the sides in turn, on a quiet machine where there is one. */
import type { Figure } from "../measure/figure.ts";
import { describeOthers, isQuiet, type Others, untilQuiet } from "../measure/quiet.ts";
import { watchOthers } from "../measure/watch.ts";
import type { RuntimeBench } from "../runtime-benches.ts";
import type { BenchRabbit } from "../shop/bench-rabbit.ts";
import type { Mode } from "../shop/shop-process.ts";
import type { ShopBench } from "../shop-benches.ts";
import { type Round, type SummaryLine, shortNumber, summarize, tableOf } from "./summary.ts";

export interface Side {
  name: string;
  /** Folder of its Souk; undefined for this one's own. */
  dir: string | undefined;
}

export interface RunOptions {
  /** What is of interest first, then what it is compared with, if anything. */
  sides: readonly Side[];
  modes: readonly Mode[];
  rounds: number;
  seconds: number;
  count: number;
  orders: readonly number[];
  /** Seconds that all rounds together may wait for a quiet machine. */
  wait: number;
  rabbit: BenchRabbit | undefined;
  processes?: string | undefined;
  print(line: string): void;
}

export interface BenchResult {
  bench: string;
  /** Null for a bench without a shop. */
  mode: Mode | null;
  rounds: Round[];
  /** What other programs used in each measurement; a busy machine makes its figures doubtful. */
  others: (Others & { quiet: boolean })[];
  summary: SummaryLine[];
}

/** Runs what it is given one after the other; remembers how long it may still wait. */
export function benchRunner(options: RunOptions) {
  const { sides, modes, rounds: count, print } = options;
  let patienceMs = options.wait * 1_000;

  async function measure<T>(title: string, work: () => Promise<T>) {
    const asked = performance.now();
    await untilQuiet(patienceMs, print);
    patienceMs -= performance.now() - asked;
    const watch = watchOthers();
    const measured = await work().catch((cause: unknown) => {
      throw new Error(`${title} failed`, { cause });
    });
    const meanwhile = watch.stop();
    const quiet = isQuiet(meanwhile);
    if (!quiet) print(`BUSY MACHINE: others used ${describeOthers(meanwhile)} during ${title}`);
    return { measured, others: { ...meanwhile, quiet } };
  }

  function told(
    bench: string,
    mode: Mode | null,
    rounds: Round[],
    others: BenchResult["others"],
  ): BenchResult {
    const summary = summarize(
      rounds,
      sides.map((it) => it.name),
    );
    print(`\n${bench}${mode ? `, ${mode}` : ""}\n${tableOf(summary)}\n`);
    const busy = others.filter((it) => !it.quiet).length;
    if (busy > 0) print(`${busy} of ${others.length} measurements were on a BUSY MACHINE\n`);
    return { bench, mode, rounds, others, summary };
  }

  return {
    async shop(name: string, bench: ShopBench): Promise<BenchResult[]> {
      const results: BenchResult[] = [];
      for (const mode of modes.filter((it) => bench.modes.includes(it))) {
        const rounds: Round[] = [];
        const others: BenchResult["others"] = [];
        for (let round = 1; round <= count; round++)
          // What it is compared with goes first: A B A B A B.
          for (const { name: side, dir: root } of [...sides].reverse()) {
            const title = `${name} ${mode} ${round}/${count} ${side}`;
            const it = await measure(title, () => bench.run({ ...options, mode, root }));
            print(`${title}: ${firstOf(it.measured)}`);
            rounds.push({ side, figures: it.measured });
            others.push(it.others);
          }
        results.push(told(name, mode, rounds, others));
      }
      return results;
    },

    /** Of this tree only. */
    async runtime(name: string, bench: RuntimeBench): Promise<BenchResult> {
      const it = await measure(name, () => bench.run(count, options.rabbit));
      const [side = ""] = sides.map(({ name: own }) => own);
      const rounds = it.measured.map((figures) => ({ side, figures }));
      return told(name, null, rounds, [it.others]);
    },

    async calibration(work: () => Promise<Figure[]>): Promise<Figure[]> {
      const { measured } = await measure("the calibration", work);
      print(`this machine: ${measured.map(lineOf).join("; ")}`);
      return measured;
    },
  };
}

const lineOf = ({ title, value, unit }: Figure): string =>
  `${title}: ${value === null ? "not counted" : `${shortNumber(value)}${unit === "/s" ? "" : " "}${unit}`}`;

const firstOf = ([first]: readonly Figure[]): string => (first ? lineOf(first) : "nothing");
