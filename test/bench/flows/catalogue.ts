/** Product list page of 20 and product detail at 32 connections. */
import autocannon from "autocannon";
import { cpuOfTree } from "../measure/processes.ts";
import type { BenchShop } from "../shop/shop-process.ts";
import { must } from "./customers.ts";
import { LoadClient } from "./http.ts";

export interface ReadResult {
  route: string;
  perSecond: number;
  /** Milliseconds of CPU a request, of all the shop's processes. */
  cpuMs: number;
  p99Ms: number;
  failed: number;
}

const WARM_UP_S = 1;

/** A list page, list pages of many kinds (so that caches miss), a detail, and details of 200 products. */
export async function benchCatalogue(shop: BenchShop, seconds: number): Promise<ReadResult[]> {
  const client = new LoadClient(shop.url, 4);
  const { body } = must(await client.send("GET", "/api/v1/products?limit=100", {}), 200);
  const { body: categories } = must(await client.send("GET", "/api/v1/categories?limit=100", {}), 200);
  client.close();
  const ids: string[] = body.items.map((it: { id: string }) => it.id);
  const kinds: string[] = categories.items.flatMap((it: { slug: string }) =>
    ["price", "-price", "name"].map((sort) => `/api/v1/products?limit=20&category=${it.slug}&sort=${sort}`),
  );
  const targets: [string, string[]][] = [
    ["list page of 20", ["/api/v1/products?limit=20"]],
    [`list pages of ${kinds.length} kinds`, kinds],
    ["search page", ["/api/v1/products?limit=20&q=cotton"]],
    ["product detail", [`/api/v1/products/${ids[0]}`]],
    [`detail of ${ids.length} products`, ids.map((id) => `/api/v1/products/${id}`)],
  ];
  for (const [route, paths] of targets) await load(shop, route, paths, WARM_UP_S);
  const results: ReadResult[] = [];
  for (const [route, paths] of targets) results.push(await load(shop, route, paths, seconds));
  return results;
}

async function load(
  { url, pid }: BenchShop,
  route: string,
  paths: string[],
  seconds: number,
): Promise<ReadResult> {
  const used = cpuOfTree(pid);
  const result = await autocannon({
    url,
    connections: 32,
    duration: seconds,
    requests: paths.map((path) => ({ method: "GET", path })),
  });
  return {
    route,
    perSecond: result.requests.average,
    cpuMs: (cpuOfTree(pid) - used) / result.requests.total,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors,
  };
}
