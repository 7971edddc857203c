/** Many buyers for few units: exactly that many orders get stock. All others get a clear answer. */
import { randomUUID } from "node:crypto";
import type { BenchShop } from "../shop/shop-process.ts";
import { bootstrapAdmin, must, registerCustomers, shippingAddress } from "./customers.ts";
import { LoadClient } from "./http.ts";

export interface FlashSaleResult {
  buyers: number;
  units: number;
  gotStock: number;
  outOfStock: number;
  other: number;
  serverErrors: number;
  available: number;
  seconds: number;
}

const API = "/api/v1";

export async function benchFlashSale(
  shop: BenchShop,
  buyers: number,
  units: number,
): Promise<FlashSaleResult> {
  const client = new LoadClient(shop.url, buyers);
  const admin = await bootstrapAdmin(client);
  const sku = `FLASH-${Date.now()}`;
  must(
    await client.send("POST", `${API}/products`, admin.headers, {
      name: "Flash sale",
      variants: [{ sku, price: { amount: 1_000, currency: "USD" } }],
    }),
    201,
  );
  must(await client.send("POST", `${API}/inventory`, admin.headers, { sku, onHand: units }), 201);
  const customers = await registerCustomers(client, buyers);
  for (let from = 0; from < buyers; from += 32)
    await Promise.all(
      customers
        .slice(from, from + 32)
        .map(async (it) =>
          must(await client.send("PUT", `${API}/cart/items/${sku}`, it.headers, { quantity: 1 }), 200),
        ),
    );

  const started = performance.now();
  const answers = await Promise.all(
    customers.map((it) =>
      client.send(
        "POST",
        `${API}/orders`,
        { ...it.headers, "idempotency-key": randomUUID(), prefer: "wait=10" },
        { shippingAddress, payment: { provider: "sandbox" } },
      ),
    ),
  );
  const seconds = (performance.now() - started) / 1_000;
  const count = (is: (status: string) => boolean) => answers.filter((it) => is(it.body.status)).length;
  const { body: stock } = must(await client.send("GET", `${API}/inventory/${sku}`, {}), 200);
  client.close();
  const gotStock = count((it) => it === "awaiting_payment");
  const outOfStock = count((it) => it === "rejected");
  return {
    buyers,
    units,
    gotStock,
    outOfStock,
    other: answers.length - gotStock - outOfStock,
    serverErrors: answers.filter((it) => it.status >= 500).length,
    available: stock.available,
    seconds,
  };
}
