/** The complete checkout: two cart lines, order, sandbox payment, paid; by signed-in customers. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../measure/statistics.ts";
import type { BenchShop } from "../shop/shop-process.ts";
import {
  bootstrapAdmin,
  type Customer,
  fillStock,
  must,
  registerCustomers,
  shippingAddress,
  someSkus,
} from "./customers.ts";
import { LoadClient } from "./http.ts";

const API = "/api/v1";

export interface Checkouts {
  flows: number;
  perSecond: number;
  orderMs: { p50: number; p99: number };
  flowMs: { p50: number; p99: number };
}

export interface CheckoutLoad {
  /** Headers of one of the customers, and of the admin. */
  readonly customer: Record<string, string>;
  readonly admin: Record<string, string>;
  /** @throws when any answer is wrong */
  run(users: number, seconds: number): Promise<Checkouts>;
  close(): void;
}

/** Prepares up to `users` customers, and stock that does not run out. */
export async function prepareCheckouts(shop: BenchShop, users: number): Promise<CheckoutLoad> {
  const client = new LoadClient(shop.url, users * 2);
  const admin = await bootstrapAdmin(client);
  const customers = await registerCustomers(client, users);
  const skus = await someSkus(client, 1_000);
  await fillStock(client, admin, skus, 100_000);
  return {
    customer: customers[0]?.headers ?? {},
    admin: admin.headers,
    async run(count, seconds) {
      const started = performance.now();
      const samples = await runFlows(client, customers.slice(0, count), skus, seconds);
      const elapsed = performance.now() - started;
      const timesOf = (name: keyof Sample) => {
        const all = samples.map((it) => it[name]);
        return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
      };
      return {
        flows: samples.length,
        perSecond: (samples.length / elapsed) * 1_000,
        orderMs: timesOf("orderMs"),
        flowMs: timesOf("flowMs"),
      };
    },
    close: () => client.close(),
  };
}

interface Sample {
  orderMs: number;
  flowMs: number;
}

async function runFlows(
  client: LoadClient,
  customers: readonly Customer[],
  skus: readonly string[],
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

async function flow(client: LoadClient, { headers }: Customer, skus: readonly string[]): Promise<Sample> {
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

/** Where `GET /orders/:id` can't wait, the answer comes at once, and the client asks again. */
async function untilPaid(client: LoadClient, headers: Record<string, string>, id: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const asked = await client.send("GET", `${API}/orders/${id}`, { ...headers, prefer: "wait=5" });
    const { body } = must(asked, 200);
    if (body.status === "paid") return;
    if (performance.now() > deadline) throw new Error(`order ${id} is still ${body.status} after 30 s`);
    await sleep(25);
  }
}

function twoOf(skus: readonly string[]): [string, string] {
  const first = Math.floor(Math.random() * skus.length);
  const second = (first + 1 + Math.floor(Math.random() * (skus.length - 1))) % skus.length;
  return [skus[first] ?? "", skus[second] ?? ""];
}
