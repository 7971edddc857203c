/** The faults: what can be done to a process or to a node's connections. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { type Cluster, type ShopNode, STOP_MS, untilRabbit, untilReady } from "../cluster/cluster.ts";
import type { ManagedProcess } from "../cluster/managed-process.ts";

export interface Fault {
  /** The fault and its target. */
  name: string;
  /** The same without the number of the target and the duration. */
  kind: string;
  /** Its targets. No other fault has the same target meanwhile. */
  targets: readonly string[];
  /** Counts as a kill, after which the shop must work again soon. */
  isKill: boolean;
  /** Resolves when the harness has undone it. @param gone called by an orderly stop */
  run(gone: () => void): Promise<void>;
  /** The shop works for a while after it begins. Recovery counts from the end of the first process. */
  isOrderly?: boolean;
  /** It ends by itself much later. The next fault does not wait for it. */
  isLong?: boolean;
}

type Print = (line: string) => void;

/** A crashed process is started again as by a supervisor: at once, or soon. */
const LONGEST_DOWN_MS = 500;
/** How long a node may take to be ready again after a restart. Another fault may hit meanwhile. */
const READY_MS = 30_000;

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
/** All processes of one plan are of one kind. */
const kindOf = (name: string) => name.replace(/-\d+$/, "");

/** The faults of one cluster, their details chosen by `random`. */
export function faultsOf(cluster: Cluster, random: SeededRandom, print: Print) {
  return {
    kill(it: ManagedProcess): Fault {
      const downMs = random.between(0, LONGEST_DOWN_MS);
      const kind = `kill -9 ${kindOf(it.name)}`;
      const run = () =>
        it === cluster.rabbit ? killRabbit(cluster, downMs, print) : killProcess(it, downMs);
      return { name: `kill -9 ${it.name}`, kind, targets: [it.name], isKill: true, run };
    },

    /** All nodes of a plan, as for a new version. */
    restart(plan: string): Fault {
      const its = cluster.nodes.filter((it) => it.plan.name === plan);
      const name = its.length > 1 ? `restart all ${plan} in turn` : `restart ${plan} in order`;
      const targets = its.map((it) => it.process.name);
      const run = (gone: () => void) => restartInTurn(its, print, gone);
      return { name, kind: name, targets, isKill: false, isOrderly: true, run };
    },

    freeze(it: ManagedProcess, fromMs: number, toMs: number, isLong = false): Fault {
      const ms = random.between(fromMs, toMs);
      const name = `freeze ${it.name} for ${inSeconds(ms)}`;
      const kind = `freeze ${kindOf(it.name)}${isLong ? " for long" : ""}`;
      return { name, kind, targets: [it.name], isKill: false, isLong, run: () => freezeProcess(it, ms) };
    },

    /** Cuts the connections that a node has. */
    cut(it: ShopNode): Fault {
      const [link, server] = eitherServer(random);
      const name = `cut ${it.process.name} from ${server}`;
      const kind = `cut a node from ${server}`;
      return { name, kind, targets: [it.process.name], isKill: false, run: async () => it[link].cut() };
    },

    /** Cuts a node's connections and refuses new ones for a while. */
    refuse(it: ShopNode): Fault {
      const ms = random.between(1_000, 4_000);
      const [link, server] = eitherServer(random);
      const run = async () => {
        it[link].refuse();
        await sleep(ms);
        it[link].allow();
      };
      const name = `keep ${it.process.name} from ${server} for ${inSeconds(ms)}`;
      return { name, kind: `keep a node from ${server}`, targets: [it.process.name], isKill: false, run };
    },

    /** Drops what is sent on a node's connections. */
    stall(it: ShopNode): Fault {
      const ms = random.between(3_000, 14_000);
      const run = async () => {
        it.amqp.stall();
        await sleep(ms);
        it.amqp.resume();
        // What was dropped is lost, as with a firewall that forgets a connection.
        it.amqp.cut();
      };
      const name = `stall ${it.process.name}'s connections to RabbitMQ for ${inSeconds(ms)}`;
      const kind = "stall a node's connections to RabbitMQ";
      return { name, kind, targets: [it.process.name], isKill: false, isLong: true, run };
    },
  };
}

function eitherServer(random: SeededRandom): ["amqp" | "mongo", string] {
  const link = random.pick(["amqp", "mongo"] as const);
  return [link, link === "amqp" ? "RabbitMQ" : "the store"];
}

async function killProcess(it: ManagedProcess, downMs: number): Promise<void> {
  await it.kill();
  await sleep(downMs);
  it.start();
}

/** Prints how much of a recovery was RabbitMQ's own start. */
async function killRabbit({ rabbit, amqpUrl }: Cluster, downMs: number, print: Print): Promise<void> {
  const began = performance.now();
  await killProcess(rabbit, downMs);
  await untilRabbit(amqpUrl);
  print(`rabbitmq: takes connections again ${inSeconds(performance.now() - began)} after its kill`);
}

async function freezeProcess(it: ManagedProcess, ms: number): Promise<void> {
  it.freeze();
  await sleep(ms);
  it.thaw();
}

/** One after the other, each when the one before is ready. */
async function restartInTurn(nodes: readonly ShopNode[], print: Print, gone: () => void): Promise<void> {
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
