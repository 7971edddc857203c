/** Injects one fault after the other, in rounds, and measures how soon the shop works again after each. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Fault } from "./fault.ts";
import { faultSchedule } from "./fault-schedule.ts";
import type { Probe } from "./probe.ts";

export interface Recovery {
  fault: string;
  kind: string;
  isKill: boolean;
  /** From the fault until a complete checkout succeeded. Null where that took longer than the limit. */
  ms: number | null;
  /** Faults in progress during that time. Any of them may be the cause. */
  together: readonly string[];
}

export interface FaultInjector {
  readonly recoveries: readonly Recovery[];
  /** Resolves when no fault is under way and none will follow. */
  stop(): Promise<void>;
  /** Resolves when as many kills as were asked for are over. */
  readonly done: Promise<void>;
}

export interface FaultInjectorOptions {
  cluster: Cluster;
  probe: Probe;
  random: SeededRandom;
  /** Stops by itself after one kill of every kind of process, without pauses and cuts of more than a second. */
  brief: boolean;
  print(line: string): void;
}

export const RECOVERY_BOUND_MS = 60_000;

/** Goes through rounds until it is stopped, or one where it is brief. */
export function startFaultInjector({
  cluster,
  probe,
  random,
  brief,
  print,
}: FaultInjectorOptions): FaultInjector {
  const recoveries: Recovery[] = [];
  /** Faults in progress, each with the concurrent ones. */
  const underWay = new Map<Fault, Set<string>>();
  const busy = new Set<string>();
  const long = new Set<Promise<unknown>>();
  let stopped = false;

  async function inject(fault: Fault): Promise<void> {
    const { name, kind, targets, isKill, isLong, isOrderly, run } = fault;
    for (const it of targets) busy.add(it);
    const together = new Set<string>();
    for (const [other, its] of underWay) {
      its.add(name);
      together.add(other.name);
    }
    underWay.set(fault, together);
    const struck = Promise.withResolvers<void>();
    const over = run(struck.resolve).finally(() => {
      for (const it of targets) busy.delete(it);
    });
    if (isOrderly) await Promise.race([struck.promise, over]);
    const served = probe.served(RECOVERY_BOUND_MS).then((ms) => {
      recoveries.push({ fault: name, kind, isKill, ms, together: [...together] });
      const how =
        ms === null
          ? `not served within ${RECOVERY_BOUND_MS / 1_000} s`
          : `served after ${(ms / 1_000).toFixed(1)} s`;
      print([`${name}: ${how}`, ...together].join("; together with "));
    });
    const ended = Promise.all([served, over]).finally(() => underWay.delete(fault));
    if (!isLong) return void (await ended);
    // Where one of two is frozen, the other serves. The freeze continues meanwhile.
    const tracked: Promise<unknown> = ended.finally(() => long.delete(tracked));
    long.add(tracked);
    await served;
  }

  async function round(first: boolean): Promise<void> {
    for (const fault of faultSchedule(cluster, random, { brief, first, print })) {
      if (stopped) return;
      if (fault.targets.some((it) => busy.has(it))) {
        if (!brief) continue;
        // There is no other round for them.
        await Promise.all(long);
      }
      // Sometimes the next fault starts before the last one is over.
      const together = random.chance(0.15);
      const injected = inject(fault);
      if (together) {
        const tracked: Promise<void> = injected.finally(() => long.delete(tracked));
        long.add(tracked);
      } else await injected;
      await sleep(random.between(200, brief ? 600 : 2_500));
    }
  }

  const done = (async () => {
    await round(true);
    while (!brief && !stopped) await round(false);
    await Promise.all(long);
  })();

  return {
    recoveries,
    done,
    async stop() {
      stopped = true;
      await done;
    },
  };
}
