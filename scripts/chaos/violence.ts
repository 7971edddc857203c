/** What is done to the cluster: a deck of acts, shuffled anew each time it is through, so that nothing is spared. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type ShopNode, STOP_MS, untilRabbit, untilReady } from "./cluster.ts";
import type { Probe } from "./probe.ts";
import type { Dice } from "./random.ts";
import type { Victim } from "./victim.ts";

export interface Act {
  /** What happens to whom. */
  name: string;
  /** The same without which of several it is, and for how long. */
  kind: string;
  /** Whom it happens to: nothing else does meanwhile. */
  targets: readonly string[];
  /** Counts as a kill, after which service must be back soon. */
  isKill: boolean;
  /** Resolves when the harness has put things right as far as it will. @param gone called by an orderly one */
  run(gone: () => void): Promise<void>;
  /** It begins with a while in which all is well yet: recovery counts from when the first process is gone. */
  isOrderly?: boolean;
  /** What happened ends by itself much later; the next act need not wait for it. */
  isLong?: boolean;
}

export interface Recovery {
  act: string;
  kind: string;
  isKill: boolean;
  /** From the blow until a whole checkout worked again; null where that took longer than the bound. */
  ms: number | null;
  /** What else was under way in that time, so that it may have been what took so long. */
  together: readonly string[];
}

export interface Violence {
  readonly recoveries: readonly Recovery[];
  /** Resolves when no act is under way and none will follow. */
  stop(): Promise<void>;
  /** Resolves when as many kills as were asked for are over. */
  readonly done: Promise<void>;
}

export interface ViolenceOptions {
  cluster: Cluster;
  probe: Probe;
  random: Dice;
  /** Stops by itself after one kill of every kind of process, without pauses and cuts of more than a second. */
  brief: boolean;
  print(line: string): void;
}

export const RECOVERY_BOUND_MS = 60_000;
/** What has died is started again as a supervisor does it: at once, or soon. */
const LONGEST_DOWN_MS = 500;

/** All processes of one plan are of one kind. */
const kindOf = (name: string) => name.replace(/-\d+$/, "");

async function kill(it: Victim, downMs: number): Promise<void> {
  await it.kill();
  await sleep(downMs);
  it.start();
}

/** How much of a recovery is RabbitMQ's own start. */
async function killRabbit(
  { rabbit, amqpUrl }: Cluster,
  downMs: number,
  print: (line: string) => void,
): Promise<void> {
  const began = performance.now();
  await kill(rabbit, downMs);
  await untilRabbit(amqpUrl);
  print(`rabbitmq: takes connections again ${inSeconds(performance.now() - began)} after its kill`);
}

async function freeze(it: Victim, ms: number): Promise<void> {
  it.freeze();
  await sleep(ms);
  it.thaw();
}

/** How long a node may take to be ready again after a restart; something else may be broken meanwhile. */
const READY_MS = 30_000;
/** Kinds of nodes that are restarted in a round. */
const RESTARTS = 3;

/** As for a new version: one after the other, each when the one before is ready. */
async function restartInTurn(
  nodes: readonly ShopNode[],
  print: (line: string) => void,
  gone: () => void,
): Promise<void> {
  for (const { process: it, readyUrl } of nodes) {
    const began = performance.now();
    const code = await it.terminate(STOP_MS);
    const stopped = performance.now();
    gone();
    it.start();
    const ready = await untilReady(readyUrl, READY_MS).then(
      () => `ready after ${inSeconds(performance.now() - stopped)}`,
      () => "not ready yet",
    );
    const end = code === 0 ? "" : ` with ${code ?? "SIGKILL"}`;
    print(`${it.name}: stopped in order after ${inSeconds(stopped - began)}${end}, ${ready}`);
  }
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/**
 * One round: every kind of process is killed once; some are frozen, some restarted in turn, some connections cut,
 * refused, stalled. Kills come first in the first round, so that a run that is soon over has seen them all.
 */
export function deck(
  cluster: Cluster,
  random: Dice,
  { brief, first, print }: { brief: boolean; first: boolean; print(line: string): void },
): Act[] {
  const { rabbit, store, nodes } = cluster;
  const kinds = [...new Set(nodes.map((it) => it.plan.name))];
  const oneOf = (kind: string) => random.pick(nodes.filter((it) => it.plan.name === kind));
  const killing = (it: Victim): Act => {
    const downMs = random.between(0, LONGEST_DOWN_MS);
    const kind = `kill -9 ${kindOf(it.name)}`;
    const run = () => (it === rabbit ? killRabbit(cluster, downMs, print) : kill(it, downMs));
    return { name: `kill -9 ${it.name}`, kind, targets: [it.name], isKill: true, run };
  };
  const restarting = (plan: string): Act => {
    const its = nodes.filter((it) => it.plan.name === plan);
    const name = its.length > 1 ? `restart all ${plan} in turn` : `restart ${plan} in order`;
    const targets = its.map((it) => it.process.name);
    const run = (gone: () => void) => restartInTurn(its, print, gone);
    return { name, kind: name, targets, isKill: false, isOrderly: true, run };
  };
  const freezing = (it: Victim, from: number, to: number, isLong = false): Act => {
    const ms = random.between(from, to);
    const name = `freeze ${it.name} for ${(ms / 1_000).toFixed(1)} s`;
    const kind = `freeze ${kindOf(it.name)}${isLong ? " for long" : ""}`;
    return { name, kind, targets: [it.name], isKill: false, isLong, run: () => freeze(it, ms) };
  };
  const cutting = (it: ShopNode): Act => {
    const link = random.pick(["amqp", "mongo"] as const);
    const from = link === "amqp" ? "RabbitMQ" : "the store";
    const name = `cut ${it.process.name} from ${from}`;
    const kind = `cut a node from ${from}`;
    return { name, kind, targets: [it.process.name], isKill: false, run: async () => it[link].cut() };
  };
  const refusing = (it: ShopNode): Act => {
    const ms = random.between(1_000, 4_000);
    const link = random.pick(["amqp", "mongo"] as const);
    const away = link === "amqp" ? "RabbitMQ" : "the store";
    const run = async () => {
      it[link].refuse();
      await sleep(ms);
      it[link].allow();
    };
    const name = `keep ${it.process.name} from ${away} for ${(ms / 1_000).toFixed(1)} s`;
    return { name, kind: `keep a node from ${away}`, targets: [it.process.name], isKill: false, run };
  };
  const stalling = (it: ShopNode): Act => {
    const ms = random.between(3_000, 14_000);
    const run = async () => {
      it.amqp.stall();
      await sleep(ms);
      it.amqp.resume();
      // What was swallowed is gone for good, as with a firewall that forgets a connection.
      it.amqp.cut();
    };
    const name = `stall ${it.process.name}'s connections to RabbitMQ for ${(ms / 1_000).toFixed(1)} s`;
    const kind = "stall a node's connections to RabbitMQ";
    return { name, kind, targets: [it.process.name], isKill: false, isLong: true, run };
  };

  const kills = [...kinds.map((kind) => killing(oneOf(kind).process)), killing(rabbit), killing(store)];
  if (brief) {
    const twins = nodes.filter((it) => it.plan.count > 1).map((it) => it.process);
    return random.shuffled([
      ...kills,
      killing(random.pick(twins)),
      freezing(random.pick(twins), 300, 1_000),
      cutting(random.pick(nodes)),
      restarting(random.pick(nodes.filter((it) => it.plan.count > 1)).plan.name),
    ]);
  }
  const twins = nodes.filter((it) => it.plan.count > 1);
  const others = [
    freezing(random.pick(nodes).process, 300, 3_000),
    freezing(random.pick(nodes).process, 300, 3_000),
    freezing(rabbit, 500, 3_000),
    freezing(store, 500, 3_000),
    // Longer than heartbeats: its partitions move, and it wakes up believing that it still has them.
    freezing(random.pick(twins).process, 11_000, 17_000, true),
    cutting(random.pick(nodes)),
    cutting(random.pick(nodes)),
    refusing(random.pick(nodes)),
    stalling(random.pick(twins)),
    ...random
      .shuffled(kinds)
      .slice(0, RESTARTS)
      .map((it) => restarting(it)),
  ];
  return first
    ? [...random.shuffled(kills), ...random.shuffled(others)]
    : random.shuffled([...kills, ...others]);
}

/** Goes through decks until it is stopped, or once where it is brief. */
export function startViolence({ cluster, probe, random, brief, print }: ViolenceOptions): Violence {
  const recoveries: Recovery[] = [];
  /** Under way, each with what has been so at the same time. */
  const underWay = new Map<Act, Set<string>>();
  const busy = new Set<string>();
  const long = new Set<Promise<unknown>>();
  let stopped = false;

  async function carryOut(act: Act): Promise<void> {
    const { name, kind, targets, isKill, isLong, isOrderly, run } = act;
    for (const it of targets) busy.add(it);
    const together = new Set<string>();
    for (const [other, its] of underWay) {
      its.add(name);
      together.add(other.name);
    }
    underWay.set(act, together);
    const struck = Promise.withResolvers<void>();
    const over = run(struck.resolve).finally(() => {
      for (const it of targets) busy.delete(it);
    });
    if (isOrderly) await Promise.race([struck.promise, over]);
    const served = probe.served(RECOVERY_BOUND_MS).then((ms) => {
      recoveries.push({ act: name, kind, isKill, ms, together: [...together] });
      const how =
        ms === null
          ? `not served within ${RECOVERY_BOUND_MS / 1_000} s`
          : `served after ${(ms / 1_000).toFixed(1)} s`;
      print([`${name}: ${how}`, ...together].join("; together with "));
    });
    const ended = Promise.all([served, over]).finally(() => underWay.delete(act));
    if (!isLong) return void (await ended);
    // Where one of two is frozen, the other serves; the freeze goes on meanwhile.
    const tracked: Promise<unknown> = ended.finally(() => long.delete(tracked));
    long.add(tracked);
    await served;
  }

  async function round(first: boolean): Promise<void> {
    for (const act of deck(cluster, random, { brief, first, print })) {
      if (stopped) return;
      if (act.targets.some((it) => busy.has(it))) {
        if (!brief) continue;
        // There is no other round in which it would have its turn.
        await Promise.all(long);
      }
      // Now and then the next blow comes before the last one is over.
      const together = random.chance(0.15);
      const blow = carryOut(act);
      if (together) {
        const tracked: Promise<void> = blow.finally(() => long.delete(tracked));
        long.add(tracked);
      } else await blow;
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
