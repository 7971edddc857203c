/** The people of a shop and their actions over HTTP. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import type { Address } from "../../broker/contract/schemas.ts";
import type { OrderStatus, OrderView } from "../../services/orders/orders.contract.ts";
import { anAddress } from "./address.ts";
import { eventually } from "./eventually.ts";
import type { HttpClient, Reply } from "./http-client.ts";
import { BOOTSTRAP_TOKEN, type Shop } from "./start-shop.ts";

export const PASSWORD = "correct horse battery staple";

export const home: Address = anAddress();

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Sends requests as this person. */
  readonly http: HttpClient;
}

interface Tokens {
  user: { id: string; email: string };
  accessToken: string;
  refreshToken: string;
}

const personOf = (http: HttpClient, { user, accessToken, refreshToken }: Tokens): Person => ({
  ...user,
  accessToken,
  refreshToken,
  http: http.as(accessToken),
});

export async function signUp(http: HttpClient, name = "Ann"): Promise<Person> {
  const body = { email: `${newId()}@example.com`, password: PASSWORD, name };
  return personOf(http, await http.expect<Tokens>(201, "POST", "/auth/register", { body }));
}

export async function signIn(http: HttpClient, email: string): Promise<Person> {
  const body = { email, password: PASSWORD };
  return personOf(http, await http.expect<Tokens>(200, "POST", "/auth/login", { body }));
}

/** Creates the first admin of a shop. */
export async function firstAdmin(http: HttpClient, token = BOOTSTRAP_TOKEN): Promise<Person> {
  const body = { token, email: `${newId()}@example.com`, password: PASSWORD, name: "Boss" };
  return personOf(http, await http.expect<Tokens>(201, "POST", "/auth/bootstrap", { body }));
}

/** Creates a member of staff. No route does, so the role is written to the database. */
export async function hireStaff({ http, node }: Shop): Promise<Person> {
  const { id, email } = await signUp(http, "Sam");
  const accounts = node.runtime.database("users").collection<{ _id: string }>("accounts");
  await accounts.updateOne({ _id: id }, { $set: { roles: ["customer", "staff"] } });
  return signIn(http, email);
}

export interface Article {
  readonly sku: string;
  readonly productId: string;
  readonly categoryId: string;
}

/** Creates a product with one variant, in its own category, with stock. @param price in cents */
export async function putOnSale(
  staff: Person,
  {
    sku = `SKU-${newId()}`,
    price = 1_000,
    onHand = 100,
    name = `Lamp ${newId()}`,
    options = {},
  }: {
    sku?: string;
    price?: number;
    onHand?: number;
    name?: string;
    options?: Record<string, string>;
  } = {},
): Promise<Article> {
  const category = await staff.http.expect<{ id: string }>(201, "POST", "/categories", {
    body: { name: `Category ${newId()}` },
  });
  await staff.http.expect(201, "POST", "/inventory", { body: { sku, onHand } });
  const product = await staff.http.expect<{ id: string }>(201, "POST", "/products", {
    body: {
      name,
      categoryIds: [category.id],
      variants: [{ sku, price: { amount: price, currency: "USD" }, options }],
    },
  });
  return { sku, productId: product.id, categoryId: category.id };
}

export const putInCart = ({ http }: Pick<Person, "http">, sku: string, quantity = 1) =>
  http.expect<{ id: string; total: { amount: number } }>(
    200,
    "PUT",
    `/cart/items/${encodeURIComponent(sku)}`,
    {
      body: { quantity },
    },
  );

/** Places an order of the cart. The answer is an order unless the test expects another. */
export const orderCart = <B = OrderView>({ http }: Person, key = newId(), wait = 5): Promise<Reply<B>> =>
  http.request<B>("POST", "/orders", {
    body: { shippingAddress: home, payment: { provider: "sandbox" } },
    headers: { "idempotency-key": key, prefer: `wait=${wait}` },
  });

/** Places an order from a new cart, and waits until it can be paid. A cart is ordered once. */
export async function order(person: Person, sku: string, quantity = 1): Promise<OrderView> {
  await person.http.expect(204, "DELETE", "/cart");
  await putInCart(person, sku, quantity);
  const { status, body } = await orderCart(person);
  assert.deepEqual([status, body.status], [201, "awaiting_payment"], JSON.stringify(body));
  return body;
}

/** The order's delivery, once there is one. */
export const deliveryOf = ({ http }: Pick<Person, "http">, orderId: string): Promise<{ id: string }> =>
  eventually("there is a delivery", () =>
    http.expect<{ id: string }>(200, "GET", `/orders/${orderId}/delivery`),
  );

/** The address at which the order can be paid now. */
export function payPage({ number, payment }: OrderView): string {
  assert.equal(
    payment?.nextAction?.type,
    "redirect",
    `${number} has no pay page: ${JSON.stringify(payment)}`,
  );
  return payment.nextAction.url;
}

export const decide = (
  http: HttpClient,
  page: string,
  body: object,
): Promise<Reply<{ status: string; code?: string }>> => http.request("POST", page, { body });

/** The order, once it has this status. @throws when it has not within ten seconds */
export const orderBecomes = ({ http }: Person, id: string, ...wanted: OrderStatus[]): Promise<OrderView> =>
  eventually(`order ${id} is ${wanted.join(" or ")}`, async () => {
    const now = await http.expect<OrderView>(200, "GET", `/orders/${id}`);
    if (!wanted.includes(now.status)) throw new Error(`it is ${now.status}`);
    return now;
  });

export async function paidOrder(person: Person, sku: string, quantity = 1): Promise<OrderView> {
  const placed = await order(person, sku, quantity);
  const { status } = await decide(person.http, payPage(placed), { outcome: "succeed" });
  assert.equal(status, 202);
  const paid = await orderBecomes(person, placed.id, "paid");
  // A message removes the bought items from the cart. A new line must not be lost to it.
  await eventually(`${sku} has left the cart`, async () => {
    const { lines } = await person.http.expect<{ lines: { sku: string }[] }>(200, "GET", "/cart");
    return !lines.some((it) => it.sku === sku);
  });
  return paid;
}

/** A paid order that has arrived. @param staff who report for the carrier */
export async function deliveredOrder(
  person: Person,
  staff: Person,
  sku: string,
  quantity = 1,
): Promise<OrderView> {
  const { id } = await paidOrder(person, sku, quantity);
  const delivery = await deliveryOf(person, id);
  for (const status of ["shipped", "delivered"])
    await staff.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status } });
  return orderBecomes(person, id, "delivered");
}

export interface Stock {
  onHand: number;
  held: number;
  available: number;
}

export const stockOf = async (http: HttpClient, sku: string): Promise<Stock> => {
  const { onHand, held, available } = await http.expect<Stock>(
    200,
    "GET",
    `/inventory/${encodeURIComponent(sku)}`,
  );
  return { onHand, held, available };
};

/** Waits until the stock is as wanted. Messages about it may still be in transit. */
export const stockBecomes = (http: HttpClient, sku: string, wanted: Stock): Promise<void> =>
  eventually(`stock of ${sku} is ${JSON.stringify(wanted)}`, async () => {
    const now = await stockOf(http, sku);
    assert.deepEqual(now, wanted);
    return true;
  }).then(() => undefined);

/** Every order of the shop, page by page, as staff see them. */
export async function allOrders(admin: Person): Promise<OrderView[]> {
  const found: OrderView[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { items: OrderView[]; nextCursor: string | null } = await admin.http.expect(
      200,
      "GET",
      `/orders?all=true&limit=100${cursor && `&cursor=${cursor}`}`,
    );
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
}
