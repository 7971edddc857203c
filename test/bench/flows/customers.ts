/** What every bench of checkouts needs: an admin, signed-in customers, and SKUs with stock. */

import { anAddress } from "../../../souk/testing/address.ts";
import { BENCH_TOKEN, type BenchShop } from "../shop/shop-process.ts";
import type { Answer, LoadClient } from "./http.ts";

const API = "/api/v1";

export interface Customer {
  headers: Record<string, string>;
}

export function must(answer: Answer, ...statuses: number[]): Answer {
  if (!statuses.includes(answer.status))
    throw new Error(
      `expected ${statuses.join(" or ")}, got ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  return answer;
}

export async function bootstrapAdmin(client: LoadClient): Promise<Customer> {
  const body = {
    token: BENCH_TOKEN,
    email: "admin@souk.example",
    password: "correct-horse-battery",
    name: "Admin",
  };
  const { body: session } = must(await client.send("POST", `${API}/auth/bootstrap`, {}, body), 201);
  return { headers: { authorization: `Bearer ${session.accessToken}` } };
}

/** The same admin once more. */
export async function signInAdmin(client: LoadClient): Promise<Customer> {
  const body = { email: "admin@souk.example", password: "correct-horse-battery" };
  const { body: session } = must(await client.send("POST", `${API}/auth/login`, {}, body), 200);
  return { headers: { authorization: `Bearer ${session.accessToken}` } };
}

export async function registerCustomers(client: LoadClient, count: number): Promise<Customer[]> {
  const customers: Customer[] = [];
  // A few at a time: each registration is a deliberate 70 ms of argon2.
  for (let from = 0; from < count; from += 4)
    customers.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(4, count - from) }, async (_, n) => {
          const body = {
            email: `buyer-${from + n}@souk.example`,
            password: "correct-horse-battery",
            name: `Buyer ${from + n}`,
          };
          const { body: session } = must(await client.send("POST", `${API}/auth/register`, {}, body), 201);
          return { headers: { authorization: `Bearer ${session.accessToken}` } };
        }),
      )),
    );
  return customers;
}

/** The first SKU of up to `count` products. */
export async function someSkus(client: LoadClient, count: number): Promise<string[]> {
  const skus: string[] = [];
  let cursor: string | null = "";
  while (skus.length < count && cursor !== null) {
    const query: string = `?limit=100${cursor ? `&cursor=${cursor}` : ""}`;
    const { body } = must(await client.send("GET", `${API}/products${query}`, {}), 200);
    for (const product of body.items) skus.push(product.variants[0].sku);
    cursor = body.nextCursor;
  }
  return skus.slice(0, count);
}

/** Adds so many units to each SKU that a bench does not run out. */
export async function fillStock(
  client: LoadClient,
  admin: Customer,
  skus: readonly string[],
  units: number,
): Promise<void> {
  const todo = [...skus];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let sku = todo.pop(); sku; sku = todo.pop())
        must(
          await client.send("POST", `${API}/inventory/${sku}/adjustments`, admin.headers, {
            delta: units,
            reason: "bench",
          }),
          200,
        );
    }),
  );
}

export const shippingAddress = anAddress({ name: "Bench Buyer" });

export type { BenchShop };
