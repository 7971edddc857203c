/** The story as the team of a client would write it: types from docs/openapi.json, and not one cast. */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

type Order = components["schemas"]["Order"];

const [baseUrl = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl });

const registered = await client.POST("/auth/register", {
  body: {
    email: `${crypto.randomUUID()}@example.com`,
    password: "correct horse battery staple",
    name: "Ann",
  },
});
if (!registered.data) throw new Error(registered.error.code);
const { user, accessToken } = registered.data;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${accessToken}`);
  },
});

const found = await client.GET("/products", { params: { query: { inStock: true, limit: 1 } } });
const variant = found.data?.items[0]?.variants[0];
if (!variant) throw new Error("nothing is on sale");

const cart = await client.PUT("/cart/items/{sku}", {
  params: { path: { sku: variant.sku } },
  body: { quantity: 2 },
});
if (!cart.data) throw new Error(cart.error.detail);
const [line] = cart.data.lines;
if (line?.quantity !== 2 || line.options === null) throw new Error("that is not what was put in");

const placed = await client.POST("/orders", {
  params: { header: { "Idempotency-Key": crypto.randomUUID(), Prefer: "wait=5" } },
  body: {
    shippingAddress: {
      name: user.name,
      line1: "1 Market Street",
      city: "Springfield",
      region: "IL",
      postalCode: "62701",
      country: "US",
    },
    payment: { provider: "sandbox" },
    cartRevision: cart.data.revision,
    expectedTotal: { amount: cart.data.total.amount, currency: cart.data.total.currency },
  },
});
if (!placed.data) throw new Error(`${placed.error.code}: ${placed.error.detail}`);

let order: Order = placed.data;
const next = order.payment?.nextAction;
if (next?.type !== "redirect") throw new Error(`there is nowhere to pay: ${next?.type}`);
const paying = await fetch(next.url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ outcome: "succeed" }),
});
if (!paying.ok) throw new Error(`paying: ${paying.status}`);

for (let tries = 0; tries < 5 && order.status !== "paid"; tries++) {
  const seen = await client.GET("/orders/{id}", {
    params: { path: { id: order.id }, header: { Prefer: "wait=5" } },
  });
  if (!seen.data) throw new Error(seen.error.code);
  order = seen.data;
}
console.log(`${order.customer.name} has ordered ${order.lines[0]?.name}: ${order.status}`);
