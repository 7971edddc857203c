/** One row per route: a valid request, and the status for each kind of caller. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  home,
  order,
  PASSWORD,
  paidOrder,
  payPage,
  putInCart,
  putOnSale,
  signIn,
} from "../../../souk/testing/people.ts";
import {
  type Caller,
  everyone,
  ownerAlone,
  ownerAndStaff,
  type Rows,
  signedIn,
  staffOnly,
  type World,
} from "./access.ts";

const email = () => `${newId()}@example.com`;
const refreshToken = async ({ owner, shop }: World) => (await signIn(shop.http, owner.email)).refreshToken;
const unpaid = ({ owner, article }: World) => order(owner, article.sku);
const paid = ({ owner, article }: World) => paidOrder(owner, article.sku);
const delivered = async ({ owner, article, admin }: World) => {
  const { id } = await paidOrder(owner, article.sku);
  const { id: deliveryId } = await admin.http.expect<{ id: string }>(200, "GET", `/orders/${id}/delivery`);
  return deliveryId;
};
/** A paid order whose invoice is there. */
const invoiced = async (world: World) => {
  const { id } = await paid(world);
  await eventually("the invoice", async () => {
    const { status } = await world.owner.http.request("GET", `/orders/${id}/invoice.pdf`);
    return status === 200;
  });
  return id;
};
/** An order that was paid and refunded, with the number of its credit note. */
const credited = async (world: World) => {
  const { id, payment } = await paid(world);
  await world.staff.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
    body: { amount: 1, reason: "A scratch" },
    headers: key(),
  });
  const number = await eventually("the credit note", async () => {
    const path = `/orders/${id}/credit-notes`;
    const { items } = await world.owner.http.expect<{ items: { number: string }[] }>(200, "GET", path);
    return items[0]?.number;
  });
  return { id, number };
};
/** The ids of a payment and of a refund of it, which has succeeded. */
const refunded = async (world: World): Promise<[string, string]> => {
  const { id: orderId, payment } = await paid(world);
  const id = payment?.id ?? "";
  await world.staff.http.expect(201, "POST", `/payments/${id}/refunds`, {
    body: { amount: 1, reason: "A scratch" },
    headers: key(),
  });
  const refundId = await eventually("the refund", async () => {
    const { items } = await world.owner.http.expect<{
      items: { refunds: { id: string; status: string }[] }[];
    }>(200, "GET", `/orders/${orderId}/payments`);
    return items[0]?.refunds.find((it) => it.status === "succeeded")?.id;
  });
  return [id, refundId];
};
const savedAddress = ({ owner }: World) =>
  owner.http.expect<{ id: string }>(201, "POST", "/users/me/addresses", { body: home });
/** A session of the owner other than that of the owner's requests. */
const anotherSession = async ({ owner, shop }: World) => {
  const { http } = await signIn(shop.http, owner.email);
  const path = "/users/me/sessions";
  const { items } = await http.expect<{ items: { id: string; current: boolean }[] }>(200, "GET", path);
  return items.find((it) => it.current)?.id;
};
const article = ({ admin }: World) => putOnSale(admin);
const category = async ({ admin }: World) =>
  (
    await admin.http.expect<{ id: string }>(201, "POST", "/categories", {
      body: { name: `Shelf ${newId()}` },
    })
  ).id;
const product = () => ({
  slug: `lamp-${newId()}`,
  name: `Lamp ${newId()}`,
  description: "It is bright.",
  categoryIds: [],
  images: ["https://images.example/lamp.jpg"],
  variants: [{ sku: `SKU-${newId()}`, price: { amount: 900, currency: "USD" }, options: { size: "S" } }],
});
const key = () => ({ "idempotency-key": newId() });
/** The path of a pay page without what the client puts in front. */
const pagePath = (url: string) => new URL(url).pathname.replace("/api/v1", "");
/** A guest's cart with something in it, or the signed-in caller's own. */
const filledCart = async (world: World, caller: Caller): Promise<{ headers?: Record<string, string> }> => {
  const cart = await putInCart({ http: world.as(caller) }, world.article.sku);
  return caller === "guest" ? { headers: { "x-cart-id": cart.id } } : {};
};

const isOwnersOrder = (body: { lines: { sku: string }[] }, { article: { sku } }: World) =>
  assert.deepEqual(
    body.lines.map((line) => line.sku),
    [sku],
  );

const ownRows: Rows = {
  "users.register": {
    expect: everyone(201),
    ask: () => ({ path: "/auth/register", body: { email: email(), password: PASSWORD, name: "New" } }),
    check: (body: { user: { roles: string[] } }) => assert.deepEqual(body.user.roles, ["customer"]),
  },
  "users.login": {
    expect: everyone(200),
    ask: ({ owner }) => ({ path: "/auth/login", body: { email: owner.email, password: PASSWORD } }),
    check: (body: { user: { id: string } }, { owner }) => assert.equal(body.user.id, owner.id),
  },
  "users.refresh": {
    expect: everyone(200),
    ask: async (world) => ({ path: "/auth/refresh", body: { refreshToken: await refreshToken(world) } }),
    check: (body: { user: { id: string } }, { owner }) => assert.equal(body.user.id, owner.id),
  },
  "users.logout": {
    expect: everyone(204),
    ask: async (world) => ({ path: "/auth/logout", body: { refreshToken: await refreshToken(world) } }),
  },
  "users.forgotPassword": {
    expect: everyone(202),
    ask: ({ owner }) => ({ path: "/auth/password/forgot", body: { email: owner.email } }),
  },
  "users.resetPassword": {
    // The token goes by mail only.
    expect: everyone(401),
    ask: () => ({ path: "/auth/password/reset", body: { token: "x".repeat(43), password: PASSWORD } }),
  },
  "users.bootstrap": {
    // There is an admin already.
    expect: everyone(409),
    ask: () => ({
      path: "/auth/bootstrap",
      body: { token: "bootstrap-token-for-tests", email: email(), password: PASSWORD, name: "Boss" },
    }),
  },
  "users.me": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me" }),
    check: (body: { id: string }, world, caller) =>
      assert.equal(body.id, world[caller as Exclude<Caller, "guest">].id),
  },
  "users.updateMe": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me", body: { name: "Renamed" } }),
    check: (body: { id: string }, world, caller) =>
      assert.equal(body.id, world[caller as Exclude<Caller, "guest">].id),
  },
  "users.changePassword": {
    expect: signedIn(204),
    // To the same one: others of these tests sign in with it.
    ask: () => ({ path: "/users/me/password", body: { currentPassword: PASSWORD, password: PASSWORD } }),
  },
  "users.listSessions": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me/sessions" }),
    check: (body: { items: { current: boolean }[] }) =>
      assert.equal(body.items.filter((it) => it.current).length, 1),
  },
  "users.endSession": {
    expect: ownerAlone(204),
    ask: async (world) => ({ path: `/users/me/sessions/${await anotherSession(world)}` }),
  },
  "users.listAddresses": {
    expect: signedIn(200),
    ask: async (world) => {
      await savedAddress(world);
      return { path: "/users/me/addresses" };
    },
    check: (body: { items: unknown[] }, _world, caller) =>
      assert.equal(body.items.length > 0, caller === "owner"),
  },
  "users.addAddress": {
    expect: signedIn(201),
    ask: () => ({
      path: "/users/me/addresses",
      body: { ...home, line2: "At the back", region: "IL", phone: "+1 555 0100" },
    }),
  },
  "users.replaceAddress": {
    expect: ownerAlone(200),
    ask: async (world) => ({
      path: `/users/me/addresses/${(await savedAddress(world)).id}`,
      body: { ...home },
    }),
  },
  "users.removeAddress": {
    expect: ownerAlone(204),
    ask: async (world) => ({ path: `/users/me/addresses/${(await savedAddress(world)).id}` }),
  },

  "products.list": {
    expect: everyone(200),
    ask: (world) => ({
      path: "/products",
      query: {
        q: "lamp",
        category: world.article.categoryId,
        minPrice: "1",
        maxPrice: "100000",
        inStock: "true",
        sort: "price",
        limit: "5",
      },
    }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "products.get": {
    expect: everyone(200),
    ask: (world) => ({ path: `/products/${world.article.productId}` }),
  },
  "products.create": { expect: staffOnly(201), ask: () => ({ path: "/products", body: product() }) },
  "products.replace": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/products/${(await article(world)).productId}`, body: product() }),
  },
  "products.update": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/products/${(await article(world)).productId}`, body: product() }),
  },
  "products.remove": {
    expect: staffOnly(204),
    ask: async (world) => ({ path: `/products/${(await article(world)).productId}` }),
  },
  "products.listCategories": {
    expect: everyone(200),
    ask: () => ({ path: "/categories", query: { limit: "5" } }),
  },
  "products.getCategory": {
    expect: everyone(200),
    ask: (world) => ({ path: `/categories/${world.article.categoryId}` }),
  },
  "products.createCategory": {
    expect: staffOnly(201),
    ask: (world) => ({
      path: "/categories",
      body: { name: "Shades", slug: `shades-${newId()}`, parentId: world.article.categoryId },
    }),
  },
  "products.replaceCategory": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/categories/${await category(world)}`,
      body: { name: "Shades", slug: `shades-${newId()}`, parentId: null },
    }),
  },
  "products.removeCategory": {
    expect: staffOnly(204),
    ask: async (world) => ({ path: `/categories/${await category(world)}` }),
  },

  "inventory.get": {
    expect: everyone(200),
    ask: (world) => ({ path: `/inventory/${world.article.sku}` }),
  },
  "inventory.create": {
    expect: staffOnly(201),
    ask: () => ({ path: "/inventory", body: { sku: `SKU-${newId()}`, onHand: 5 } }),
  },
  "inventory.adjust": {
    expect: staffOnly(200),
    ask: (world) => ({
      path: `/inventory/${world.article.sku}/adjustments`,
      body: { delta: 1, reason: "found one" },
    }),
  },

  "cart.get": {
    expect: everyone(200),
    ask: async (world, caller) => ({ path: "/cart", ...(await filledCart(world, caller)) }),
    check: (body: { lines: unknown[] }) => assert.equal(body.lines.length, 1),
  },
  "cart.setItem": {
    expect: everyone(200),
    ask: (world) => ({ path: `/cart/items/${world.article.sku}`, body: { quantity: 2 } }),
  },
  "cart.removeItem": {
    expect: everyone(200),
    ask: async (world, caller) => ({
      path: `/cart/items/${world.article.sku}`,
      ...(await filledCart(world, caller)),
    }),
  },
  "cart.clear": {
    expect: everyone(204),
    ask: async (world, caller) => ({ path: "/cart", ...(await filledCart(world, caller)) }),
  },

  "orders.place": {
    expect: signedIn(201),
    ask: async (world, caller) => {
      await filledCart(world, caller);
      const body = { shippingAddress: { ...home }, payment: { provider: "sandbox" } };
      return { path: "/orders", body, headers: key() };
    },
  },
  "orders.list": {
    expect: signedIn(200),
    ask: async (world, caller) => {
      if (caller === "owner") await unpaid(world);
      return { path: "/orders", query: { status: "awaiting_payment", limit: "3" } };
    },
    check: (body: { items: unknown[] }, _world, caller) =>
      assert.ok(caller !== "owner" || body.items.length > 0),
  },
  "orders.get": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}` }),
    check: isOwnersOrder,
  },
  "orders.cancel": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({
      path: `/orders/${(await unpaid(world)).id}/cancel`,
      body: { reason: "too dear" },
    }),
    check: (body: { status: string }) => assert.equal(body.status, "cancelled"),
  },
  "orders.pay": {
    expect: ownerAndStaff(201),
    ask: async (world) => ({
      path: `/orders/${(await unpaid(world)).id}/payments`,
      body: { provider: "sandbox" },
      headers: key(),
    }),
    check: isOwnersOrder,
  },
  "orders.events": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}/events` }),
  },

  "payments.listByOrder": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await unpaid(world)).id}/payments` }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "payments.invoice": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${await invoiced(world)}/invoice.pdf` }),
  },
  "payments.creditNotes": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await paid(world)).id}/credit-notes` }),
    check: (body: { items: unknown[] }) => assert.deepEqual(body.items, []),
  },
  "payments.creditNote": {
    expect: ownerAndStaff(200),
    ask: async (world) => {
      const { id, number } = await credited(world);
      return { path: `/orders/${id}/credit-notes/${number}` };
    },
  },
  "payments.webhook": {
    // For every caller: only the provider's signature counts.
    expect: everyone(401),
    ask: () => ({ path: "/payments/webhooks/sandbox", body: { type: "payment.captured" } }),
  },
  "payments.webhookWithKey": {
    expect: everyone(401),
    ask: () => ({ path: "/payments/webhooks/sandbox/a-key", body: { type: "payment.captured" } }),
  },
  "payments.refund": {
    expect: staffOnly(201),
    ask: async (world) => ({
      path: `/payments/${(await paid(world)).payment?.id}/refunds`,
      body: { amount: 1, reason: "a scratch" },
      headers: key(),
    }),
  },
  "payments.endRefund": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/payments/${(await refunded(world)).join("/refunds/")}/end`,
      body: { outcome: "succeeded" },
    }),
  },
  "payments.list": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments", query: { status: "captured", receipt: "SBX-1", limit: "3" } }),
  },
  "payments.ledger": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/ledger", query: { limit: "3" } }),
  },
  "payments.balances": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/ledger/balances" }),
  },
  "payments.openings": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/openings", query: { limit: "3" } }),
  },
  "payments.anomalies": {
    expect: staffOnly(200),
    ask: () => ({ path: "/payments/anomalies", query: { limit: "3" } }),
  },
  "payments.sandboxPage": {
    // Anyone who has the address, as at a real provider.
    expect: everyone(200),
    ask: async (world) => ({ path: pagePath(payPage(await unpaid(world))) }),
  },
  "payments.sandboxPay": {
    expect: everyone(202),
    ask: async (world) => ({
      path: pagePath(payPage(await unpaid(world))),
      body: { outcome: "decline", delayMs: 0, times: 1, amount: 1, page: false },
    }),
  },

  "delivery.getByOrder": {
    expect: ownerAndStaff(200),
    ask: async (world) => ({ path: `/orders/${(await paid(world)).id}/delivery` }),
  },
  "delivery.update": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/deliveries/${await delivered(world)}`,
      body: { status: "shipped", tracking: "SOUK-1", reason: "left the house" },
    }),
  },
};

/** Of all routes, those in the folders of services included. */
export const rows: Rows = Object.assign({}, ownRows, ...(await rowsInFolders()));

async function rowsInFolders(): Promise<Rows[]> {
  const root = new URL("../../../", import.meta.url);
  const files = globSync("services/*/test/access-rows.ts", { cwd: fileURLToPath(root) });
  return Promise.all(files.map(async (it) => (await import(new URL(it, root).href)).rows));
}
