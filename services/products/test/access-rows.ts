/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { putOnSale } from "../../../souk/testing/people.ts";
import { everyone, type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

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
  published: true,
});
/** One pixel. */
const file = {
  type: "image/png",
  bytes: Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
};

export const rows: Rows = {
  "products.upload": { expect: staffOnly(201), ask: () => ({ path: "/uploads", file }) },
  "products.file": {
    expect: everyone(200),
    ask: async ({ shop, admin }) => {
      const reply = await fetch(`${shop.url}/api/v1/uploads`, {
        method: "POST",
        headers: { authorization: `Bearer ${admin.accessToken}`, "content-type": file.type },
        body: file.bytes,
      });
      const { sizes } = (await reply.json()) as { sizes: { path: string }[] };
      return { path: sizes[0]?.path.replace("/api/v1", "") ?? "" };
    },
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
        currency: "USD",
        published: "true",
        sort: "price",
        limit: "5",
      },
    }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "products.suggest": {
    expect: everyone(200),
    ask: () => ({ path: "/products/suggest", query: { q: "la", limit: "5" } }),
    check: (body: { items: unknown[] }) => assert.ok(body.items.length > 0),
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
  "products.demoPicture": {
    expect: everyone(200),
    ask: () => ({ path: "/demo-pictures/nordic-brass-desk-lamp-12-1.svg" }),
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
};
