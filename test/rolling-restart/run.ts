/**
 * A temporary shop with two processes per service, restarted one process after the other while people use it. It is
 * the procedure for a new version, and shows what customers notice.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RetryingClient } from "../chaos/customers/retrying-client.ts";
import { makeAdmin, registerCustomers, stockGoods } from "../chaos/customers/set-up.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type Figures, Load } from "./load.ts";
import { BOOTSTRAP_TOKEN, type ShopNode, type ShopOptions, STOP_MS, startShop, untilReady } from "./shop.ts";

export interface RollingRestartOptions extends ShopOptions {
  readers?: number;
  carts?: number;
  customers?: number;
  print(line: string): void;
}

export interface RollingRestart extends Figures {
  /** From the first restart to the last. */
  seconds: number;
  restarts: number;
}

/** Between two restarts, so that each one's failures are its own. */
const PAUSE_MS = 500;
const UNITS = 200;

/** @throws when the shop does not start; nothing is left behind either way */
export async function rollingRestart(options: RollingRestartOptions): Promise<RollingRestart> {
  const shop = await startShop(options);
  try {
    options.print(`${shop.nodes.length} processes are ready`);
    return await underLoad(shop.nodes, shop.url, options);
  } finally {
    await shop.close();
  }
}

async function underLoad(
  nodes: readonly ShopNode[],
  url: string,
  { readers = 4, carts = 3, customers = 4, print }: RollingRestartOptions,
): Promise<RollingRestart> {
  const client = new RetryingClient({ url, retryForMs: 20_000, timeoutMs: 10_000 });
  const admin = await makeAdmin(client, BOOTSTRAP_TOKEN);
  const { plenty } = await stockGoods(client, admin, seededRandom(1), UNITS);
  const people = await registerCustomers(client, "rolling", customers);
  const load = new Load({ url, customers: people, skus: plenty, readers, carts });
  try {
    // All of them have finished one pass before anything is restarted.
    await sleep(2_000);
    const { figures } = load;
    const started = performance.now();
    for (const node of nodes) {
      load.takeWorst();
      const [failed, began] = [figures.failed, performance.now()];
      await node.child.restart(STOP_MS);
      await untilReady(node);
      await sleep(PAUSE_MS);
      const took = ((performance.now() - began - PAUSE_MS) / 1_000).toFixed(1);
      print(
        `${node.child.name.padEnd(12)} restarted in ${took} s; failed ${figures.failed - failed}, worst ${Math.round(load.takeWorst())} ms`,
      );
    }
    const seconds = (performance.now() - started) / 1_000;
    await load.stop();
    return { ...figures, seconds, restarts: nodes.length };
  } finally {
    await load.stop();
  }
}

/** For people. */
export function figuresOf(run: RollingRestart): string {
  const { requests, failed, worstMs, seconds, restarts, orders, paid, failures } = run;
  return [
    `${restarts} restarts in ${seconds.toFixed(0)} s`,
    `${requests} requests, ${failed} failed, worst ${Math.round(worstMs)} ms`,
    `${orders} orders accepted, ${paid} of them paid`,
    ...failures.slice(0, 20).map((it) => `  ${it}`),
  ].join("\n");
}
