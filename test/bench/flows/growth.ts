/** What a shop does with few orders, and with very many. */
import { type Figure, less, more } from "../measure/figure.ts";
import { cpuOfTree } from "../measure/processes.ts";
import { percentile } from "../measure/statistics.ts";
import { multiplyOrders } from "../shop/multiply-orders.ts";
import type { BenchShop } from "../shop/shop-process.ts";
import { type CheckoutLoad, prepareCheckouts } from "./checkout.ts";
import { must } from "./customers.ts";
import { LoadClient } from "./http.ts";

const USERS = 32;
const WARM_UP_S = 8;
/** Lists of orders that are asked for one after the other. */
const LISTS = 50;

/** @param orders ever larger numbers of them */
export async function benchGrowth(
  shop: BenchShop,
  orders: readonly number[],
  seconds: number,
): Promise<Figure[]> {
  const load = await prepareCheckouts(shop, USERS);
  await load.run(USERS, WARM_UP_S);
  const figures = await measure(shop, load, "few orders", seconds);
  for (const total of orders) {
    await multiplyOrders(shop.storeDir, total, (line) => console.log(line));
    await load.run(USERS, WARM_UP_S);
    figures.push(...(await measure(shop, load, `${total} orders`, seconds)));
  }
  load.close();
  return figures;
}

async function measure(shop: BenchShop, load: CheckoutLoad, at: string, seconds: number): Promise<Figure[]> {
  const used = cpuOfTree(shop.pid);
  const { flows, perSecond, orderMs } = await load.run(USERS, seconds);
  const cpu = (cpuOfTree(shop.pid) - used) / flows;
  return [
    more(`${at}: checkouts at ${USERS} users`, "/s", perSecond),
    less(`${at}: CPU a checkout`, "ms", cpu),
    less(`${at}: POST /orders, p99`, "ms", orderMs.p99),
    ...(await lists(shop, load, at)),
  ];
}

/** Each list, asked for by one person, once after the other. */
async function lists({ url }: BenchShop, load: CheckoutLoad, at: string): Promise<Figure[]> {
  const client = new LoadClient(url, 1);
  const paths: [string, string, Record<string, string>][] = [
    ["list of a customer's orders", "/orders?limit=20", load.customer],
    ["list of all orders", "/orders?all=true&limit=20", load.admin],
    ["all orders of a status", "/orders?all=true&limit=20&status=paid", load.admin],
    ["all orders by words", "/orders?all=true&limit=20&q=bench%20buyer", load.admin],
    ["list of deliveries", "/deliveries?limit=20", load.admin],
    ["list of invoices", `/invoices?limit=20&year=${new Date().getUTCFullYear()}`, load.admin],
  ];
  const figures: Figure[] = [];
  for (const [name, path, headers] of paths) {
    const times: number[] = [];
    for (let turn = 0; turn < LISTS; turn++) {
      const answer = await client.send("GET", `/api/v1${path}`, headers);
      must(answer, 200);
      times.push(answer.ms);
    }
    figures.push(less(`${at}: ${name}, p50`, "ms", percentile(times, 0.5)));
  }
  client.close();
  return figures;
}
