import { z } from "zod";
import { type ActionsOf, action, defineContract, type MessagesOf } from "../../broker/contract/contract.ts";
import {
  cursor,
  flag,
  id,
  limit,
  line,
  minorUnits,
  money,
  page,
  sku,
  slug,
  text,
} from "../../broker/contract/schemas.ts";
import { productsErrors } from "./products.errors.ts";

const options = z
  .record(
    z
      .string()
      .min(1)
      .max(40)
      .regex(/^[A-Za-z][A-Za-z0-9 _-]*$/, "must be a plain name"),
    line(80),
  )
  .refine((it) => Object.keys(it).length <= 10, "at most 10 options");
/** Its length first: to read a host takes time that grows with the square of its length. */
const image = z
  .string()
  .max(500, { abort: true })
  .check(z.url({ protocol: /^https?$/ }));

const variantInput = z
  .strictObject({ sku, price: money, options: options.default({}) })
  .meta({ id: "VariantInput" });
export const variantView = z
  .strictObject({ sku, price: money, options: z.record(z.string(), z.string()), available: z.int() })
  .meta({ id: "Variant" });
/** The unique index tells SKUs of different products apart; within one they are checked here. */
const variantInputs = z
  .array(variantInput)
  .min(1)
  .max(100)
  .superRefine((all, context) => {
    const seen = new Set<string>();
    for (const [at, { sku }] of all.entries()) {
      if (seen.has(sku))
        context.addIssue({ code: "custom", path: [at, "sku"], message: "is the SKU of another variant too" });
      seen.add(sku);
    }
  });
const productInput = z
  .strictObject({
    slug: slug.optional().meta({ description: "Made from the name when left out" }),
    name: line(200),
    description: text(10_000).default(""),
    categoryIds: z.array(id).max(20).default([]),
    images: z.array(image).max(20).default([]),
    variants: variantInputs,
  })
  .meta({ id: "ProductInput" });
const rating = z.strictObject({ average: z.number(), count: z.int() }).meta({ id: "Rating" });
export const productView = z
  .strictObject({
    id,
    slug,
    name: z.string(),
    description: z.string(),
    categoryIds: z.array(id),
    images: z.array(z.string()),
    rating,
    variants: z.array(variantView),
    version: z.int(),
  })
  .meta({ id: "Product" });
const facet = z.strictObject({ id, name: z.string(), count: z.int() }).meta({ id: "CategoryFacet" });
const facets = z.strictObject({ categories: z.array(facet) }).meta({ id: "ProductFacets" });

const sort = z
  .enum(["relevance", "newest", "name", "-name", "price", "-price", "rating"])
  .meta({ id: "ProductSort", description: "What comes first; `-` turns it round" });

const categoryInput = z
  .strictObject({
    name: line(120),
    slug: slug.optional(),
    parentId: id.nullable().default(null),
  })
  .meta({ id: "CategoryInput" });
export const categoryView = z
  .strictObject({ id, name: z.string(), slug, parentId: id.nullable(), version: z.int() })
  .meta({ id: "Category" });

export const products = defineContract({
  service: "products",
  errors: productsErrors,
  actions: {
    list: action({
      summary: "Browse, search and filter the catalogue",
      operationId: "listProducts",
      rest: "GET /products",
      auth: "public",
      params: z.strictObject({
        q: line(100).optional(),
        category: z
          .union([id, slug])
          .optional()
          .meta({ description: "Category id or slug; includes its children" }),
        minPrice: z.coerce.number<number | string>().pipe(minorUnits).optional(),
        maxPrice: z.coerce.number<number | string>().pipe(minorUnits).optional(),
        inStock: flag.optional(),
        sort: sort.optional(),
        limit,
        cursor,
      }),
      returns: page(productView).extend({ facets: facets.optional() }).meta({ id: "ProductPage" }),
    }),
    get: action({
      summary: "One product, by id or slug",
      operationId: "getProduct",
      rest: "GET /products/:id",
      auth: "public",
      etag: true,
      params: z.strictObject({ id: z.union([id, slug]) }),
      returns: productView,
      errors: ["NOT_FOUND"],
    }),
    create: action({
      summary: "Add a product",
      operationId: "createProduct",
      rest: "POST /products",
      auth: "staff",
      status: 201,
      etag: true,
      params: productInput,
      returns: productView,
      errors: ["SLUG_TAKEN", "SKU_TAKEN"],
    }),
    replace: action({
      summary: "Replace a product",
      operationId: "replaceProduct",
      rest: "PUT /products/:id",
      auth: "staff",
      etag: true,
      params: productInput.extend({ id }),
      returns: productView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "SKU_TAKEN", "VERSION_MISMATCH"],
    }),
    update: action({
      summary: "Change some fields of a product",
      operationId: "updateProduct",
      rest: "PATCH /products/:id",
      auth: "staff",
      etag: true,
      params: z.strictObject({
        id,
        slug: slug.optional(),
        name: line(200).optional(),
        description: text(10_000).optional(),
        categoryIds: z.array(id).max(20).optional(),
        images: z.array(image).max(20).optional(),
        variants: variantInputs.optional(),
      }),
      returns: productView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "SKU_TAKEN", "VERSION_MISMATCH"],
    }),
    remove: action({
      summary: "Take a product off sale",
      operationId: "removeProduct",
      rest: "DELETE /products/:id",
      auth: "staff",
      etag: true,
      params: z.strictObject({ id }),
      returns: z.void(),
      errors: ["NOT_FOUND", "VERSION_MISMATCH"],
    }),
    listCategories: action({
      summary: "All categories",
      operationId: "listCategories",
      rest: "GET /categories",
      auth: "public",
      params: z.strictObject({ limit, cursor }),
      returns: page(categoryView),
    }),
    getCategory: action({
      summary: "One category, by id or slug",
      operationId: "getCategory",
      rest: "GET /categories/:id",
      auth: "public",
      etag: true,
      params: z.strictObject({ id: z.union([id, slug]) }),
      returns: categoryView,
      errors: ["NOT_FOUND"],
    }),
    createCategory: action({
      summary: "Add a category",
      operationId: "createCategory",
      rest: "POST /categories",
      auth: "staff",
      status: 201,
      etag: true,
      params: categoryInput,
      returns: categoryView,
      errors: ["SLUG_TAKEN", "NOT_FOUND", "CONFLICT"],
    }),
    replaceCategory: action({
      summary: "Replace a category",
      operationId: "replaceCategory",
      rest: "PUT /categories/:id",
      auth: "staff",
      etag: true,
      params: categoryInput.extend({ id }),
      returns: categoryView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "CONFLICT", "VERSION_MISMATCH"],
    }),
    removeCategory: action({
      summary: "Remove an empty category",
      operationId: "removeCategory",
      rest: "DELETE /categories/:id",
      auth: "staff",
      etag: true,
      params: z.strictObject({ id }),
      returns: z.void(),
      errors: ["NOT_FOUND", "CATEGORY_IN_USE", "VERSION_MISMATCH"],
    }),
    variants: action({
      summary: "Present name and price of each SKU that is on sale, in no order; unknown ones are left out",
      readOnly: true,
      params: z.strictObject({ skus: z.array(sku).min(1).max(100) }),
      returns: z.array(z.strictObject({ sku, productId: id, name: z.string(), price: money })),
    }),
  },
  messages: {},
  workers: { stockLevel: { receives: ["stock.depleted", "stock.replenished"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof products> {}
  interface Messages extends MessagesOf<typeof products> {}
}
