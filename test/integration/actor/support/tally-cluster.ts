/** Processes of tally nodes on one RabbitMQ, and which of them has handled what. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { partitionOf } from "../../../../broker/bus/topology.ts";
import { DEFAULT_PARTITIONS } from "../../../../broker/contract/contract.ts";
import { eventually } from "../../../../souk/testing/eventually.ts";
import { SIDES, type Side } from "./tally.ts";
import type { Told } from "./tally-node.ts";

const NODE = join(import.meta.dirname, "tally-node.ts");
/** The registry keeps a crashed node for 8 s. Then partitions move after a stable second. */
const SETTLE_MS = 30_000;

/** @param args of each node, after its name */
export function tallyCluster(...args: readonly string[]): TallyCluster {
  return new TallyCluster((name) =>
    fork(NODE, [name, ...args], { stdio: ["ignore", "inherit", "inherit", "ipc"] }),
  );
}

/** An actor in each partition. */
export const ACTORS: readonly string[] = Array.from({ length: DEFAULT_PARTITIONS }, (_, partition) => {
  for (let n = 0; ; n++) if (partitionOf(`actor-${n}`, DEFAULT_PARTITIONS) === partition) return `actor-${n}`;
});

interface Served {
  node: string;
  at: number;
}

export class TallyCluster {
  readonly nodes = new Map<string, ChildProcess>();
  /** Who has handled the last message of each actor, by `<side>/<actor>`. */
  readonly served = new Map<string, Served>();
  readonly #start: (name: string) => ChildProcess;

  constructor(start: (name: string) => ChildProcess) {
    this.#start = start;
  }

  async join(name: string): Promise<void> {
    const child = this.#start(name);
    this.nodes.set(name, child);
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
      child.on("message", (told: Told) => {
        if ("ready" in told) resolve();
        else this.served.set(`${told.side}/${told.actor}`, { node: name, at: told.at });
      });
    });
  }

  async leave(name: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.nodes.get(name);
    this.nodes.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  signal(name: string, signal: "SIGSTOP" | "SIGCONT"): void {
    this.nodes.get(name)?.kill(signal);
  }

  held(name: string): string[] {
    return [...this.served].filter(([, it]) => it.node === name).map(([key]) => key);
  }

  /** Actors, and with them partitions, by node, for one side. */
  shares(side: Side): Map<string, number> {
    const shares = new Map([...this.nodes.keys()].map((name) => [name, 0]));
    for (const [key, { node }] of this.served)
      if (key.startsWith(`${side}/`)) shares.set(node, (shares.get(node) ?? 0) + 1);
    return shares;
  }

  /** Resolves when each actor type is spread evenly within one, and stays so for a second. */
  async even(): Promise<number> {
    const begun = Date.now();
    let since = 0;
    await eventually(
      "the shares are even",
      () => {
        const isEven = SIDES.every((side) => {
          const counts = [...this.shares(side).values()];
          return counts.length === this.nodes.size && Math.max(...counts) - Math.min(...counts) <= 1;
        });
        if (!isEven) since = 0;
        else if (since === 0) since = Date.now();
        return since > 0 && Date.now() - since > 1_000;
      },
      SETTLE_MS,
    ).catch((error: Error) => {
      const shares = SIDES.map((side) => JSON.stringify([...this.shares(side)]));
      throw new Error(`${error.message}: ${shares.join(" ")}`);
    });
    return Date.now() - begun - 1_000;
  }

  /** Milliseconds from now until the last of these is served by another node. */
  async servedElsewhere(
    keys: readonly string[],
    than: string,
    from: number,
    withinMs: number,
  ): Promise<number> {
    let last = 0;
    await eventually(
      `${keys.length} partitions of ${than} are served by others`,
      () => {
        const now = keys.map((key) => this.served.get(key));
        if (!now.every((it) => it && it.node !== than && it.at >= from)) return false;
        last = Math.max(...now.map((it) => it?.at ?? 0)) - from;
        return true;
      },
      withinMs,
    );
    return last;
  }
}
