/** Searches that nobody asked before, so that no cache has their answer. */
import { percentile } from "../measure/statistics.ts";
import type { BenchShop } from "../shop/shop-process.ts";
import { prepareCheckouts } from "./checkout.ts";
import { must } from "./customers.ts";
import { LoadClient } from "./http.ts";

export interface Searches {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Other answers than 200. */
  failed: number;
}

/** First-time searches at 32 connections. */
export async function benchSearches(shop: BenchShop, seconds: number): Promise<Searches> {
  const client = new LoadClient(shop.url, 32);
  const ask = await newSearches(client);
  await run(client, ask, 32, 2);
  const searches = await run(client, ask, 32, seconds);
  client.close();
  return searches;
}

/** Checkouts a second of 32 users, alone and beside 8 customers who search without a pause. */
export async function benchCheckoutsBeside(
  shop: BenchShop,
  seconds: number,
): Promise<{ alone: number; beside: number }> {
  const load = await prepareCheckouts(shop, 32);
  await load.run(32, 5);
  const alone = await load.run(32, seconds);
  const client = new LoadClient(shop.url, 8);
  const ask = await newSearches(client);
  const [beside] = await Promise.all([load.run(32, seconds), run(client, ask, 8, seconds)]);
  client.close();
  load.close();
  return { alone: alone.perSecond, beside: beside.perSecond };
}

async function run(
  client: LoadClient,
  ask: () => string,
  connections: number,
  seconds: number,
): Promise<Searches> {
  const times: number[] = [];
  let failed = 0;
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        const { status, ms } = await client.send("GET", ask(), {});
        times.push(ms);
        if (status !== 200) failed++;
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1_000;
  return {
    perSecond: (times.length - failed) / elapsed,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    failed,
  };
}

/** Gives the path of another search each time, made of words of the catalogue. */
async function newSearches(client: LoadClient): Promise<() => string> {
  const products: { name: string; description: string; variants: { sku: string }[] }[] = [];
  for (let cursor = ""; products.length < 1_000; ) {
    const { body } = must(await client.send("GET", `/api/v1/products?limit=100${cursor}`, {}), 200);
    products.push(...body.items);
    if (body.nextCursor === null) break;
    cursor = `&cursor=${body.nextCursor}`;
  }
  const wordsOf = (text: string) => text.toLowerCase().match(/[a-z]+/g) ?? [];
  const names = products.map((it) => wordsOf(it.name));
  const words = [...new Set(products.flatMap((it) => wordsOf(`${it.name} ${it.description}`)))];
  const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;
  const upTo = (max: number) => Math.floor(Math.random() * max);
  const kinds = [
    () => `q=${pick(names).join("+")}&minPrice=${upTo(3_000)}`,
    () => `q=${pick(words)}+${pick(words)}&maxPrice=${20_000 + upTo(80_000)}`,
    () => `q=${pick(words)}&minPrice=${upTo(5_000)}&maxPrice=${5_000 + upTo(80_000)}`,
    () =>
      `q=${pick(pick(names))}&sort=${pick(["price", "-price", "name", "rating"])}&minPrice=${upTo(9_000)}`,
    () => `q=${pick(words).slice(0, 3)}+${pick(words).slice(0, 4)}&inStock=true&minPrice=${upTo(9_000)}`,
    () => `q=${pick(products).variants[0]?.sku}&maxPrice=${100_000 + upTo(80_000)}`,
  ];
  const asked = new Set<string>();
  return () => {
    for (;;) {
      const query = pick(kinds)();
      if (asked.has(query)) continue;
      asked.add(query);
      return `/api/v1/products?limit=20&${query}`;
    }
  };
}
