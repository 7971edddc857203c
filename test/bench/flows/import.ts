/** A file of many products: how long its import takes, and what is left for checkouts meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchShop } from "../shop/shop-process.ts";
import { type Checkouts, prepareCheckouts } from "./checkout.ts";
import { must, signInAdmin } from "./customers.ts";
import { LoadClient } from "./http.ts";

const USERS = 8;
const API = "/api/v1";

export interface Imported {
  seconds: number;
  /** Until the file was kept. */
  uploadSeconds: number;
  created: number;
  failed: number;
  /** How often the progress had changed when it was looked at, once a second. */
  steps: number;
}

/** @returns checkouts alone, and beside an import of so many products, which then goes on alone */
export async function benchImport(
  shop: BenchShop,
  products: number,
  seconds: number,
): Promise<{ imported: Imported; alone: Checkouts; beside: Checkouts }> {
  const client = new LoadClient(shop.url, 2);
  const load = await prepareCheckouts(shop, USERS);
  await load.run(USERS, 3);
  const alone = await load.run(USERS, seconds);
  const { headers } = await signInAdmin(client);
  const importing = importProducts(shop, client, headers, products);
  const [beside, imported] = await Promise.all([load.run(USERS, seconds), importing]);
  load.close();
  client.close();
  return { imported, alone, beside };
}

async function importProducts(
  shop: BenchShop,
  client: LoadClient,
  headers: Record<string, string>,
  products: number,
): Promise<Imported> {
  const begun = performance.now();
  const reply = await fetch(`${shop.url}${API}/imports?what=products`, {
    method: "POST",
    headers: { ...headers, "content-type": "text/csv" },
    body: fileOf(products),
  });
  const { id } = (await reply.json()) as { id: string };
  if (reply.status !== 201) throw new Error(`the file was answered ${reply.status}`);
  const uploadSeconds = since(begun);
  let steps = 0;
  for (let last = -1; ; ) {
    const { body } = must(await client.send("GET", `${API}/imports/${id}`, headers), 200);
    const { done, created, failed, endedAt, status } = body;
    if (endedAt !== null) {
      if (status !== "completed") throw new Error(`the import is ${status}`);
      return { seconds: since(begun), uploadSeconds, created, failed, steps };
    }
    if (done !== last) steps++;
    last = done;
    await sleep(1_000);
  }
}

const since = (begun: number): number => (performance.now() - begun) / 1_000;

/** About 300 bytes for each product. */
function fileOf(products: number): string {
  const lines = Array.from(
    { length: products },
    (_, n) =>
      `import-${n},Imported lamp ${n},"${TEXT}",,https://images.example/${n}.jpg,true,IMP-${n},${n + 1},USD,Colour=brass\n`,
  );
  return `slug,name,description,categories,images,published,sku,price,currency,options\n${lines.join("")}`;
}

const TEXT =
  "A lamp for the desk, made of brass, with a shade of linen. It turns and tilts, and its cord is two metres long. Bulbs are not included.";
