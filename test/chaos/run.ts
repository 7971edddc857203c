/** One run: a cluster, customers and faults; then a pause, a snapshot, and the checks. */
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { failWithLostConnections } from "../../broker/mongo/driver-patch.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { CheckResult } from "./checks/check.ts";
import { checkAll } from "./checks/checks.ts";
import { BOOTSTRAP_TOKEN, type Cluster, type NodePlan, startCluster } from "./cluster/cluster.ts";
import { Customer } from "./customers/customer.ts";
import { Journal } from "./customers/journal.ts";
import { runLoad } from "./customers/load.ts";
import { RetryingClient } from "./customers/retrying-client.ts";
import { makeAdmin, type Person, registerCustomers, stockGoods } from "./customers/set-up.ts";
import { Staff } from "./customers/staff.ts";
import { RECOVERY_BOUND_MS, type Recovery, startFaultInjector } from "./faults/fault-injector.ts";
import { poison } from "./faults/poison.ts";
import { createProbe } from "./faults/probe.ts";
import { startMessageRecorder } from "./observers/message-recorder.ts";
import { settle } from "./observers/settle.ts";
import { takeSnapshot } from "./observers/snapshot.ts";
import { startStockSampler } from "./observers/stock-sampler.ts";

export interface ChaosOptions {
  /** Checkouts, beside those of probes. */
  orders: number;
  /** Over which they are spread. */
  seconds: number;
  seed: number;
  plan: readonly NodePlan[];
  /** One kill of every kind of process and little else, instead of faults for as long as customers arrive. */
  brief: boolean;
  /** Customers at once. */
  customers: number;
  /** Time to pay an order, in seconds. */
  orderTtl: number;
  /** How long a customer repeats a request without an answer, in milliseconds. */
  retryForMs: number;
  /** How long the shop may take to become idle, in milliseconds. */
  settleMs: number;
  print(line: string): void;
  /** Ends the run at once. */
  signal?: AbortSignal;
  /** Leaves data and logs where they are. */
  keep?: boolean;
}

export interface ChaosReport {
  results: readonly CheckResult[];
  recoveries: readonly Recovery[];
  /** How flows ended for their customers. */
  flows: ReadonlyMap<string, number>;
  requests: RetryingClient["counts"];
  /** Data and logs, where they were kept: on request, and when a check has failed. */
  keptIn: string | null;
}

const REQUEST_TIMEOUT_MS = 15_000;
const PROBES = 8;
const PROBE_TIMEOUT_MS = 5_000;
const PROGRESS_EVERY_MS = 5_000;
/** How much longer than planned customers may take to arrive: as long again, and at least this. */
const LATE_MS = 120_000;
const POISON_EVERY_S = 20;
const RECORDER_DRAIN_MS = 10_000;

/** @throws when the cluster does not start, or `signal` fires; nothing is left running either way */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { plan, orderTtl, signal, keep = false } = options;
  const print = withTime(options.print);
  // The provider is asked about late money only briefly, so that the shop becomes idle.
  const half = `${orderTtl / 2}s`;
  const env = { ORDER_TTL: `${orderTtl}s`, RECONCILE_GRACE: half, SANDBOX_PROCESSING_MAX: half };
  const cluster = await startCluster({ plan, env, print, signal });
  let failed = false;
  try {
    const report = await Promise.race([runWithFaults(cluster, { ...options, print }), aborted(signal)]);
    failed = report.results.some((it) => it.failures.length > 0);
    return { ...report, keptIn: keep || failed ? cluster.dir : null };
  } finally {
    await cluster.close(keep || failed);
  }
}

function withTime(print: (line: string) => void): (line: string) => void {
  const started = performance.now();
  return (line) => print(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
}

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) =>
    signal?.addEventListener("abort", () => reject(new Error("the run was stopped")), { once: true }),
  );

async function runWithFaults(cluster: Cluster, options: ChaosOptions): Promise<Omit<ChaosReport, "keptIn">> {
  const { orders, seconds, seed, brief, retryForMs, orderTtl, print } = options;
  const journal = new Journal();
  const client = new RetryingClient({ url: cluster.url, retryForMs, timeoutMs: REQUEST_TIMEOUT_MS });
  const calm = seededRandom(seed, "stage");
  const admin = await makeAdmin(client, BOOTSTRAP_TOKEN);
  const goods = await stockGoods(client, admin, calm, Math.max(2, Math.round(orders / 60)));
  const asCustomers = (people: readonly Person[], by = client) =>
    people.map((it) => new Customer(by, journal, it));
  const customers = asCustomers(await registerCustomers(client, "buyer", options.customers));
  const impatient = client.with({ retryForMs: 0, timeoutMs: PROBE_TIMEOUT_MS });
  const probes = asCustomers(await registerCustomers(client, "probe", PROBES), impatient);
  const staff = new Staff(new Customer(client, journal, admin), journal);

  failWithLostConnections();
  const mongo = await new MongoClient(cluster.mongoUrl, { serverSelectionTimeoutMS: 2_000 }).connect();
  const recorder = startMessageRecorder(cluster.amqpUrl);
  const sampler = startStockSampler(mongo);
  const end = new AbortController();
  try {
    const probe = createProbe(probes, goods, journal);
    if ((await probe.served(30_000)) === null)
      throw new Error("the shop does not serve before anything is broken");
    print(`${cluster.nodes.length} nodes serve; ${orders} orders over ${seconds} s, seed ${seed}`);

    const progress = everySoOften(print, (done: number) => `${done} of ${orders} customers are through`);
    const bound = AbortSignal.timeout(seconds * 1_000 + Math.max(seconds * 1_000, LATE_MS));
    const injector = startFaultInjector({
      cluster,
      probe,
      random: seededRandom(seed, "faults"),
      brief,
      print,
    });
    const poisoned = poisonNowAndThen(cluster.amqpUrl, seed, end.signal);
    const waitMs = Math.min(retryForMs, orderTtl * 1_000);
    const flow = { seed, staff, goods, journal, waitMs, customers };
    const came = await runLoad({ ...flow, orders, seconds, signal: bound, progress });
    await (brief ? injector.done : injector.stop());
    end.abort();
    const poisonIds = await poisoned;
    print(`${came} customers came; waiting until all is at rest`);

    const waiting = everySoOften(print, (left: readonly string[]) => `still on its way: ${left.join("; ")}`);
    const { amqpUrl, queueStates } = cluster;
    const settled = await settle({
      client: mongo,
      amqpUrl,
      queueStates,
      boundMs: options.settleMs,
      progress: waiting,
    });
    await sampler.stop();
    print("at rest; stopping the nodes");
    const stopping = Date.now();
    const unruly = await cluster.stopNodes();
    print("the nodes have stopped; taking the snapshot");
    // The nodes' last messages are still in transit to the recorder.
    await drainRecorder(recorder);
    await recorder.close();
    const snapshot = await takeSnapshot(mongo, cluster.amqpUrl, stopping);
    const processes = [...cluster.nodes.map((it) => it.process), cluster.rabbit, cluster.store];
    const crashes = [...processes.flatMap((it) => it.crashes), ...unruly];
    const evidence = { snapshot, journal, initial: goods.initial, sampler, recorder, settled, crashes };
    return {
      results: [
        ...checkAll({ ...evidence, poison: poisonIds, processes: processes.length }),
        {
          name: "all customers came in",
          looked: "customers",
          count: came,
          failures: came === orders ? [] : [`${orders - came} did not in time`],
        },
        {
          name: "the shop served again after every fault",
          looked: `faults, bound ${RECOVERY_BOUND_MS / 1_000} s`,
          count: injector.recoveries.length,
          failures: injector.recoveries.flatMap((it) => (it.ms === null ? [it.fault] : [])),
        },
      ],
      recoveries: injector.recoveries,
      flows: journal.flows,
      requests: client.counts,
    };
  } finally {
    end.abort();
    await Promise.all([sampler.stop(), recorder.close()]);
    await mongo.close();
  }
}

function everySoOften<T>(print: (line: string) => void, say: (it: T) => string): (it: T) => void {
  let last = performance.now();
  return (it) => {
    if (performance.now() - last < PROGRESS_EVERY_MS) return;
    last = performance.now();
    print(say(it));
  };
}

async function poisonNowAndThen(url: string, seed: number, signal: AbortSignal): Promise<string[]> {
  const random = seededRandom(seed, "poison");
  const ids: string[] = [];
  while (!signal.aborted) {
    const id = await poison(url, random, AbortSignal.timeout(60_000));
    if (id) ids.push(id);
    await sleep(random.between(POISON_EVERY_S * 500, POISON_EVERY_S * 1_500), undefined, { signal }).catch(
      () => undefined,
    );
  }
  return ids;
}

/** Until the recorder gets nothing more. */
async function drainRecorder({ counts }: { counts: { messages: number } }): Promise<void> {
  const deadline = performance.now() + RECORDER_DRAIN_MS;
  for (let before = -1; before !== counts.messages && performance.now() < deadline; await sleep(500))
    before = counts.messages;
}
