/** Benches of a whole shop in its own processes. Each starts one, and can be run on the shop of another commit. */
import { setTimeout as sleep } from "node:timers/promises";
import { benchCatalogue } from "./flows/catalogue.ts";
import { type Checkouts, prepareCheckouts } from "./flows/checkout.ts";
import { benchFlashSale } from "./flows/flash-sale.ts";
import { benchGrowth } from "./flows/growth.ts";
import { benchImport } from "./flows/import.ts";
import { benchCheckoutsBeside, benchSearches } from "./flows/search.ts";
import { detail, type Figure, less, more } from "./measure/figure.ts";
import { allProcesses, commandLine, cpuOfTree, type Memory, memoryOf, treeOf } from "./measure/processes.ts";
import { diskFlushes, type StoreCounters, storeCounters } from "./measure/store-counters.ts";
import { nameOf, sumOf, type UsageOfShop, usageBetween, usageOfShop } from "./measure/usage.ts";
import { watchMemory } from "./measure/watch.ts";
import type { BenchRabbit, RabbitCounters } from "./shop/bench-rabbit.ts";
import { type BenchShop, type Mode, startBenchShop } from "./shop/shop-process.ts";

export interface ShopBenchOptions {
  mode: Mode;
  /** Folder of the Souk that runs; this one's unless given. */
  root?: string | undefined;
  /** Of load. */
  seconds: number;
  /** Products of a catalogue. */
  count: number;
  /** Numbers of orders at which growth is measured. */
  orders: readonly number[];
  /** A cluster needs one. */
  rabbit?: BenchRabbit | undefined;
  /** That the services of a cluster share; what that Souk does by itself unless given. */
  processes?: string | undefined;
}

export interface ShopBench {
  modes: readonly Mode[];
  run(options: ShopBenchOptions): Promise<Figure[]>;
}

const BOTH: readonly Mode[] = ["embedded", "cluster"];
/** A shop frees what only its start needed after two seconds. */
const AT_REST_MS = 4_000;
const WARM_UP_S = 5;

export const shopBenches: Record<string, ShopBench> = {
  start: {
    modes: BOTH,
    async run(options) {
      const env = { SEED_ON_START: "false" };
      // The first start compiles; its result is kept on disk.
      await inShop(options, env, async () => []);
      return inShop(options, env, async (shop) => {
        await sleep(AT_REST_MS);
        return [
          less("start to first answered request", "ms", shop.startMs),
          less("memory without products, idle", "MB", sumOfResident(memoryByProcess(shop))),
        ];
      });
    },
  },
  checkout: {
    modes: BOTH,
    run: (options) => inShop(options, {}, (shop) => checkouts(shop, options.seconds)),
  },
  catalogue: {
    modes: BOTH,
    run: (options) =>
      inShop(options, { SEED_COUNT: String(options.count) }, async (shop) => {
        const routes = await benchCatalogue(shop, Math.min(options.seconds, 10));
        return routes.flatMap(({ route, perSecond, cpuMs, p99Ms, failed }) => [
          more(route, "/s", perSecond),
          less(`${route}, CPU a request`, "ms", cpuMs),
          detail(`${route}, p99`, "ms", p99Ms),
          detail(`${route}, failed requests`, "", failed),
        ]);
      }),
  },
  search: {
    modes: BOTH,
    run: (options) =>
      inShop(options, { SEED_COUNT: String(options.count) }, async (shop) => {
        const seconds = Math.min(options.seconds, 10);
        const { perSecond, p50Ms, p99Ms, failed } = await benchSearches(shop, seconds);
        const { alone, beside } = await benchCheckoutsBeside(shop, seconds);
        return [
          more("first-time searches at 32 connections", "/s", perSecond),
          less("first-time search, p50", "ms", p50Ms),
          less("first-time search, p99", "ms", p99Ms),
          ...(failed > 0 ? [detail("first-time searches, failed", "requests", failed)] : []),
          detail("checkouts at 32 users", "/s", alone),
          more("checkouts at 32 users beside 8 searches", "/s", beside),
          more("… of those without", "", beside / alone),
        ];
      }),
  },
  growth: {
    modes: ["embedded"],
    run: (options) =>
      inShop(options, { SEED_COUNT: String(options.count) }, (shop) =>
        benchGrowth(shop, options.orders, options.seconds),
      ),
  },
  import: {
    modes: BOTH,
    run: (options) =>
      inShop(options, {}, async (shop) => {
        const seconds = Math.min(options.seconds, 10);
        const { imported, alone, beside } = await benchImport(shop, options.count, seconds);
        return [
          less(`import of ${options.count} products`, "s", imported.seconds),
          more("imported products", "/s", imported.created / imported.seconds),
          detail("… until the file was kept", "s", imported.uploadSeconds),
          detail("… lines that failed", "", imported.failed),
          detail("… times that its progress was seen to change", "", imported.steps),
          detail("checkouts at 8 users", "/s", alone.perSecond),
          more("checkouts at 8 users beside the import", "/s", beside.perSecond),
          less("POST /orders beside the import, p99", "ms", beside.orderMs.p99),
        ];
      }),
  },
  flash: {
    modes: BOTH,
    run: (options) =>
      inShop(options, { SEED_ON_START: "false" }, async (shop) => {
        const it = await benchFlashSale(shop, 500, 50);
        return [
          less(`${it.buyers} buyers for ${it.units} units`, "s", it.seconds),
          detail("got stock", "orders", it.gotStock),
          detail("out of stock", "orders", it.outOfStock),
          detail("other answers", "orders", it.other),
          detail("server errors", "answers", it.serverErrors),
          detail("available afterwards", "units", it.available),
        ];
      }),
  },
};

async function checkouts(shop: BenchShop, seconds: number): Promise<Figure[]> {
  const memory = watchMemory(shop.pid);
  await sleep(AT_REST_MS);
  const idle = memoryByProcess(shop);
  const load = await prepareCheckouts(shop, 32);
  await load.run(32, Math.min(WARM_UP_S, seconds));

  const at32 = await measured(shop, () => load.run(32, seconds));
  const at8 = await measured(shop, () => load.run(8, Math.ceil(seconds / 2)));
  const at1 = await measured(shop, () => load.run(1, Math.ceil(seconds / 2)));
  load.close();
  const { orderMs, flowMs } = at32.result;
  return [
    more("checkouts at 32 users", "/s", at32.result.perSecond),
    more("checkouts at 8 users", "/s", at8.result.perSecond),
    more("checkouts at 1 user", "/s", at1.result.perSecond),
    less("POST /orders at 32 users, p50", "ms", orderMs.p50),
    less("POST /orders at 32 users, p99", "ms", orderMs.p99),
    less("whole checkout at 32 users, p50", "ms", flowMs.p50),
    less("whole checkout at 32 users, p99", "ms", flowMs.p99),
    ...costs(at32),
    less("store commands a checkout at 1 user", "", at1.store.commands / at1.result.flows),
    ...memoryFigures(shop, idle, memory.stop()),
  ];
}

interface Measured {
  result: Checkouts;
  usage: UsageOfShop;
  /** Of the load generator. */
  ownMs: number;
  /** Undefined where there is no RabbitMQ. */
  rabbitMs: number | undefined;
  messages: RabbitCounters | null;
  store: StoreCounters;
  diskFlushes: number | null;
}

/** What the shop has used and counted meanwhile. */
async function measured(shop: BenchShop, work: () => Promise<Checkouts>): Promise<Measured> {
  const { rabbit, storeDir, pid } = shop;
  const counted = await storeCounters(storeDir);
  const sent = await rabbit?.counters();
  const rabbitNow = () => (rabbit ? cpuOfTree(rabbit.pid) : 0);
  const [disk, used, own, rabbitBefore] = [diskFlushes(storeDir), usageOfShop(pid), ownCpuMs(), rabbitNow()];
  const result = await work();
  const [ownMs, rabbitMs] = [ownCpuMs() - own, rabbitNow() - rabbitBefore];
  const usage = usageBetween(used, usageOfShop(pid));
  const flushes = between(disk, diskFlushes(storeDir));
  const now = await storeCounters(storeDir);
  const sentNow = await rabbit?.counters();
  return {
    result,
    usage,
    ownMs,
    rabbitMs: rabbit ? rabbitMs : undefined,
    messages: sent && sentNow ? messagesBetween(sent, sentNow) : null,
    store: {
      commands: now.commands - counted.commands,
      commits: between(counted.commits, now.commits),
      flushes: between(counted.flushes, now.flushes),
    },
    diskFlushes: flushes,
  };
}

const messagesBetween = (before: RabbitCounters, after: RabbitCounters): RabbitCounters => ({
  received: after.received - before.received,
  confirmed: after.confirmed - before.confirmed,
  delivered: after.delivered - before.delivered,
});

const between = (before: number | null, after: number | null): number | null =>
  before === null || after === null ? null : after - before;

/** Per checkout. */
function costs({
  result: { flows },
  usage,
  ownMs,
  rabbitMs,
  messages,
  store,
  diskFlushes: disk,
}: Measured): Figure[] {
  const { total, main, store: storeMs, v8, libuv } = sumOf(usage);
  const each = (count: number | null | undefined): number | null =>
    count === null || count === undefined ? null : count / flows;
  return [
    less("CPU a checkout", "ms", (total + (rabbitMs ?? 0)) / flows),
    detail("… main threads", "ms", main / flows),
    detail("… store", "ms", storeMs / flows),
    detail("… V8's helpers", "ms", v8 / flows),
    detail("… libuv's pool", "ms", libuv / flows),
    ...(rabbitMs === undefined ? [] : [detail("… RabbitMQ", "ms", rabbitMs / flows)]),
    ...(usage.size > 1
      ? [...usage].map(([name, it]) => detail(`… process ${name}`, "ms", it.total / flows))
      : []),
    detail("CPU of the load generator a checkout", "ms", ownMs / flows),
    less("store commands a checkout", "", each(store.commands)),
    less("store commits a checkout", "", each(store.commits)),
    less("store flushes (fdatasync) a checkout", "", each(store.flushes)),
    detail("disk flushes of the machine a checkout", "", each(disk)),
    ...(rabbitMs === undefined
      ? []
      : [
          less("messages to RabbitMQ a checkout", "", each(messages?.received)),
          detail("… with confirms (the bus)", "", each(messages?.confirmed)),
          detail("… without (Moleculer)", "", each(messages && messages.received - messages.confirmed)),
          detail("messages from RabbitMQ a checkout", "", each(messages?.delivered)),
        ]),
  ];
}

/** Of the whole shop, and of each process where there are several. */
function memoryFigures(shop: BenchShop, idle: ReadonlyMap<string, Memory>, peak: number): Figure[] {
  const now = memoryByProcess(shop);
  return [
    less("memory, idle", "MB", sumOfResident(idle)),
    less("memory, peak", "MB", peak),
    ...(now.size > 1
      ? [...now].flatMap(([name, it]) => [
          detail(`… ${name}, idle`, "MB", idle.get(name)?.resident ?? null),
          detail(`… ${name}, peak`, "MB", it.peak),
        ])
      : []),
    ...(shop.rabbit ? [detail("memory of RabbitMQ, peak", "MB", memoryOf(shop.rabbit.pid).peak)] : []),
  ];
}

const memoryByProcess = ({ pid }: BenchShop): ReadonlyMap<string, Memory> =>
  new Map(treeOf(pid, allProcesses()).map((it) => [nameOf(commandLine(it.pid)), memoryOf(it.pid)]));

const sumOfResident = (memory: ReadonlyMap<string, Memory>): number =>
  [...memory.values()].reduce((sum, it) => sum + it.resident, 0);

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function inShop(
  { mode, root, rabbit, processes }: ShopBenchOptions,
  env: Record<string, string>,
  work: (shop: BenchShop) => Promise<Figure[]>,
): Promise<Figure[]> {
  const shop = await startBenchShop({ mode, root, env, rabbit, processes });
  try {
    return await work(shop);
  } finally {
    await shop.stop();
  }
}
