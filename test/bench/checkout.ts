/** The complete checkout: two cart lines, order, sandbox payment, paid; by signed-in customers. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { storeProgram } from "@souk/embedded-mongo";
import { cpuOfChild, cpuOfCommand, cpuOfThread, cpuOfTree } from "./cpu.ts";
import {
  bootstrapAdmin,
  type Customer,
  fillStock,
  must,
  registerCustomers,
  shippingAddress,
  someSkus,
} from "./customers.ts";
import { LoadClient, percentile } from "./http.ts";
import type { BenchShop } from "./shop-process.ts";

export interface CheckoutResult {
  flows: number;
  perSecond: number;
  orderMs: { p50: number; p99: number };
  flowMs: { p50: number; p99: number };
  /** Milliseconds of CPU per flow. */
  cpu: { node: number; store: number; rabbitmq: number; load: number };
}

const API = "/api/v1";

/** Runs flows at `concurrency` for `seconds` after a warm-up. @throws when any answer is wrong */
export async function benchCheckout(
  shop: BenchShop,
  concurrency: number,
  seconds: number,
): Promise<CheckoutResult> {
  const client = new LoadClient(shop.url, concurrency * 2);
  const admin = await bootstrapAdmin(client);
  const customers = await registerCustomers(client, concurrency);
  const skus = await someSkus(client, 1_000);
  await fillStock(client, admin, skus, 100_000);
  await run(client, customers, skus, Math.min(5, seconds));

  const before = usage(shop);
  const started = performance.now();
  const samples = await run(client, customers, skus, seconds);
  const elapsed = performance.now() - started;
  const after = usage(shop);
  client.close();

  const flows = samples.length;
  const per = (name: keyof typeof before) => (after[name] - before[name]) / flows;
  const orders = samples.map((it) => it.orderMs);
  const whole = samples.map((it) => it.flowMs);
  return {
    flows,
    perSecond: (flows / elapsed) * 1_000,
    orderMs: { p50: percentile(orders, 0.5), p99: percentile(orders, 0.99) },
    flowMs: { p50: percentile(whole, 0.5), p99: percentile(whole, 0.99) },
    cpu: { node: per("node"), store: per("store"), rabbitmq: per("rabbitmq"), load: per("load") },
  };
}

interface Sample {
  orderMs: number;
  flowMs: number;
}

async function run(
  client: LoadClient,
  customers: Customer[],
  skus: string[],
  seconds: number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    customers.map(async (customer) => {
      while (performance.now() < until) samples.push(await flow(client, customer, skus));
    }),
  );
  return samples;
}

async function flow(client: LoadClient, { headers }: Customer, skus: string[]): Promise<Sample> {
  const started = performance.now();
  const [first, second] = twoOf(skus);
  must(await client.send("PUT", `${API}/cart/items/${first}`, headers, { quantity: 1 }), 200);
  must(await client.send("PUT", `${API}/cart/items/${second}`, headers, { quantity: 1 }), 200);
  const placed = must(
    await client.send(
      "POST",
      `${API}/orders`,
      { ...headers, "idempotency-key": randomUUID(), prefer: "wait=5" },
      { shippingAddress, payment: { provider: "sandbox" } },
    ),
    201,
  );
  const { id, status, payment } = placed.body;
  if (status !== "awaiting_payment")
    throw new Error(`order ${id} is ${status}: ${JSON.stringify(placed.body)}`);
  must(await client.send("POST", new URL(payment.nextAction.url).pathname, {}, { outcome: "succeed" }), 202);
  await untilPaid(client, headers, id);
  return { orderMs: placed.ms, flowMs: performance.now() - started };
}

async function untilPaid(client: LoadClient, headers: Record<string, string>, id: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const { body } = must(await client.send("GET", `${API}/orders/${id}`, headers), 200);
    if (body.status === "paid") return;
    if (performance.now() > deadline) throw new Error(`order ${id} is still ${body.status} after 30 s`);
    await sleep(25);
  }
}

function twoOf(skus: string[]): [string, string] {
  const first = Math.floor(Math.random() * skus.length);
  const second = (first + 1 + Math.floor(Math.random() * (skus.length - 1))) % skus.length;
  return [skus[first] ?? "", skus[second] ?? ""];
}

function usage(shop: BenchShop) {
  const tree = cpuOfTree(shop.pid);
  const store = storeCpu(shop);
  return {
    node: tree - store,
    store,
    rabbitmq: shop.mode === "cluster" ? cpuOfCommand("beam.smp") : 0,
    load: process.cpuUsage().user / 1_000 + process.cpuUsage().system / 1_000,
  };
}

/** The embedded store is a thread of the one process, or a child process of the cluster. */
function storeCpu({ mode, pid }: BenchShop): number {
  return mode === "embedded" ? cpuOfThread(pid, "embedded-mongo") : cpuOfChild(pid, storeProgram);
}
