import { z } from "zod";
import { CONDITIONS } from "../../broker/contract/conditions.ts";
import { type ActionsOf, action, defineContract } from "../../broker/contract/contract.ts";
import { extOf } from "../../broker/contract/fields.ts";
import {
  cursor,
  id,
  limit,
  line,
  list,
  money,
  page,
  sku,
  slug,
  text,
} from "../../broker/contract/schemas.ts";
import { uploadedFile, uploadedPart } from "../../broker/contract/upload.ts";
import { isCurrency } from "../../broker/contract/values/currency.ts";
import { options } from "./options.ts";
import { productsConfig } from "./products.config.ts";
import { productsErrors } from "./products.errors.ts";
import { listParams, productFacets, suggestion, suggestParams } from "./products.schemas.ts";

/** Checks the length first, because parsing a host takes quadratic time. */
const webAddress = z
  .string()
  .max(500, { abort: true })
  .check(z.url({ protocol: /^https?$/ }));
const ownPath = z
  .string()
  .max(500)
  .regex(/^\/[A-Za-z0-9._~-][A-Za-z0-9._~/-]*$/, "must be a path of this shop");
const image = z
  .union([webAddress, ownPath], { error: "must be an http(s) address or a path of this shop" })
  .meta({
    description: "Address of a picture, or its path in this shop",
    examples: ["https://images.example/brass-lamp.jpg"],
  });

const variantInput = z
  .strictObject({ sku, price: money, options: options.default({}) })
  .refine((it) => isCurrency(it.price.currency), {
    path: ["price", "currency"],
    message: "must be a currency of ISO 4217",
  })
  .meta({ id: "VariantInput", description: "What can be bought of a product" });
export const variantView = z
  .strictObject({ sku, price: money, options: z.record(z.string(), z.string()), available: z.int() })
  .meta({ id: "Variant", description: "What can be bought of a product, and how much of it there is" });
/** The unique index detects equal SKUs of different products. Those within one product are checked here. */
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
  })
  .meta({ [CONDITIONS]: ["each variant has a SKU of its own"] });
const productExt = extOf("product");
const productInput = z
  .strictObject({
    slug: slug.optional().meta({ description: "Made from the name when left out" }),
    name: line(200).meta({ examples: ["Brass lamp"] }),
    description: text(10_000)
      .default("")
      .meta({ examples: ["A small lamp for the desk."] }),
    categoryIds: z.array(id).max(20).default([]),
    images: z.array(image).max(20).default([]),
    variants: variantInputs,
    published: z.boolean().optional().meta({
      description:
        "Whether customers see it. A new product is published unless told, another one stays as it is",
    }),
    ext: productExt.optional(),
  })
  .meta({
    id: "ProductInput",
    description: "A product as staff write it",
    examples: [
      {
        slug: "brass-lamp",
        name: "Brass lamp",
        description: "A small lamp for the desk.",
        categoryIds: ["01941a00-1c00-7e21-8b44-6d0f2a9c5e13"],
        images: ["https://images.example/brass-lamp.jpg"],
        variants: [
          { sku: "LAMP-BRASS-1", price: { amount: 4900, currency: "USD" }, options: { Colour: "brass" } },
        ],
      },
    ],
  });
/** A product of a file. What is left out stays as it is. */
export const productImport = z
  .strictObject({
    slug: slug.optional().meta({ description: "Without it, each variant finds its product by its SKU" }),
    name: line(200)
      .optional()
      .meta({ examples: ["Brass lamp"] }),
    description: text(10_000).optional(),
    categories: z
      .array(z.union([id, slug], { error: "must be the slug or id of a category" }))
      .max(20)
      .optional()
      .meta({ description: "Slugs or ids" }),
    images: z.array(image).max(20).optional(),
    published: z.boolean().optional(),
    variants: variantInputs.optional().meta({ description: "With a slug, all that the product has" }),
  })
  .refine((it) => it.slug !== undefined || it.variants !== undefined, {
    path: ["slug"],
    message: "must be given where there is no SKU",
  })
  .meta({ id: "ProductImport", description: "A product of a file that is imported" });
export type ProductImport = z.output<typeof productImport>;
export const importOutcome = z
  .enum(["created", "updated", "unchanged", "failed"])
  .meta({ id: "ImportOutcome", description: "What became of a record of a file" });
const importResult = z.strictObject({
  line: z.int(),
  outcome: importOutcome,
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })),
});
export type ImportResult = z.output<typeof importResult>;
const rating = z
  .strictObject({ average: z.number(), count: z.int() })
  .meta({ id: "Rating", description: "What customers think of a product, and how many of them" });
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
    published: z.boolean().meta({ description: "Whether customers see it" }),
    ext: productExt.optional(),
    version: z.int(),
  })
  .meta({
    id: "Product",
    description: "A product of the catalogue with its variants",
    examples: [
      {
        id: "01941a10-2f00-7c35-9d58-0a7b3e6f1c24",
        slug: "brass-lamp",
        name: "Brass lamp",
        description: "A small lamp for the desk.",
        categoryIds: ["01941a00-1c00-7e21-8b44-6d0f2a9c5e13"],
        images: ["https://images.example/brass-lamp.jpg"],
        rating: { average: 4.5, count: 12 },
        variants: [
          {
            sku: "LAMP-BRASS-1",
            price: { amount: 4900, currency: "USD" },
            options: { Colour: "brass" },
            available: 10,
          },
        ],
        published: true,
        version: 3,
      },
    ],
  });
const uploadedPicture = z
  .strictObject({
    sizes: z
      .array(
        z
          .strictObject({
            path: z.string().meta({
              examples: ["/api/v1/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b-800.webp"],
            }),
            width: z.int().meta({ examples: [800] }),
            height: z.int().meta({ examples: [600] }),
          })
          .meta({ id: "PictureSize", description: "A picture in one width, in pixels" }),
      )
      .meta({ description: "The largest one first" }),
  })
  .meta({
    id: "UploadedPicture",
    description: "A picture that was uploaded",
    examples: [
      {
        sizes: [
          {
            path: "/api/v1/files/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b-800.webp",
            width: 800,
            height: 600,
          },
        ],
      },
    ],
  });
const categoryInput = z
  .strictObject({
    name: line(120),
    slug: slug.optional().meta({ description: "Made from the name when left out" }),
    parentId: id.nullable().default(null).meta({ description: "The category that it is in" }),
  })
  .meta({
    id: "CategoryInput",
    description: "A category as staff write it",
    examples: [{ name: "Lamps", slug: "lamps", parentId: null }],
  });
export const categoryView = z
  .strictObject({
    id,
    name: z.string(),
    slug,
    parentId: id.nullable(),
    count: z
      .int()
      .optional()
      .meta({
        description: "Products that customers see, in it and below it; where categories are read",
        examples: [12],
      }),
    children: z
      .array(id)
      .optional()
      .meta({
        description: "Ids of the categories directly below it, by name; where categories are read",
        examples: [[]],
      }),
    version: z.int(),
  })
  .meta({
    id: "Category",
    description: "A category of the catalogue",
    examples: [
      {
        id: "01941a00-1c00-7e21-8b44-6d0f2a9c5e13",
        name: "Lamps",
        slug: "lamps",
        parentId: null,
        version: 1,
      },
    ],
  });
const productId = id.meta({ description: "Id of the product" });
const categoryId = id.meta({ description: "Id of the category" });

export const products = defineContract({
  service: "products",
  config: productsConfig,
  errors: productsErrors,
  description: "The catalogue: products with their variants, and categories.",
  actions: {
    list: action({
      summary: "Browse, search and filter the catalogue",
      description:
        "Words of `q` are looked for in names of products and categories, descriptions, options and SKUs, in any form. " +
        "An exact SKU comes first. Where nothing has the words, words that differ by one letter count too. " +
        "`total` and `facets` count all pages.",
      operationId: "listProducts",
      rest: "GET /products",
      auth: "public",
      widerScope: "catalogue:read",
      knowsCaller: true,
      shared: true,
      params: listParams,
      returns: page(productView)
        .extend({
          total: z.int().meta({ description: "How many there are on all pages", examples: [1] }),
          totalIsLowerBound: z.literal(true).optional().meta({
            description:
              "There may be more than `total`. Never up to 10,000; the engine that is built in always counts exactly",
          }),
          facets: productFacets,
        })
        .meta({ id: "ProductPage", description: "A part of a list of products" }),
      errors: ["FORBIDDEN"],
    }),
    suggest: action({
      summary: "What begins with the letters typed so far",
      description: "Names of products and categories, and SKUs. None for an empty `q`.",
      operationId: "suggestProducts",
      rest: "GET /products/suggest",
      auth: "public",
      shared: true,
      params: suggestParams,
      returns: list(suggestion),
    }),
    get: action({
      summary: "One product, by id or slug",
      description: "One that is not published is found by staff only.",
      operationId: "getProduct",
      rest: "GET /products/:id",
      auth: "public",
      widerScope: "catalogue:read",
      knowsCaller: true,
      shared: true,
      etag: true,
      params: z.strictObject({ id: z.union([id, slug]).meta({ description: "Id or slug of the product" }) }),
      returns: productView,
      errors: ["NOT_FOUND"],
    }),
    create: action({
      summary: "Add a product",
      operationId: "createProduct",
      rest: "POST /products",
      auth: "staff",
      scope: "catalogue:write",
      repeatable: "the slug and its SKUs are taken then",
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
      scope: "catalogue:write",
      etag: true,
      params: productInput.extend({ id: productId }),
      returns: productView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "SKU_TAKEN", "VERSION_MISMATCH"],
    }),
    update: action({
      summary: "Change some fields of a product",
      description: "Fields that are left out stay as they are; `variants` replaces all variants.",
      operationId: "updateProduct",
      rest: "PATCH /products/:id",
      auth: "staff",
      scope: "catalogue:write",
      etag: true,
      params: z
        .strictObject({
          id: productId,
          slug: slug.optional(),
          name: line(200).optional(),
          description: text(10_000).optional(),
          categoryIds: z.array(id).max(20).optional(),
          images: z.array(image).max(20).optional(),
          variants: variantInputs.optional(),
          published: z.boolean().optional().meta({ description: "Whether customers see it" }),
          ext: productExt.optional(),
        })
        .meta({ examples: [{ name: "Brass desk lamp", description: "A small lamp for the desk." }] }),
      returns: productView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "SKU_TAKEN", "VERSION_MISMATCH"],
    }),
    remove: action({
      summary: "Take a product off sale",
      operationId: "removeProduct",
      rest: "DELETE /products/:id",
      auth: "staff",
      scope: "catalogue:write",
      etag: true,
      params: z.strictObject({ id: productId }),
      returns: z.void(),
      errors: ["NOT_FOUND", "VERSION_MISMATCH"],
    }),
    upload: action({
      summary: "Add a picture",
      description:
        "JPEG, PNG or WebP, of at most 10 MB and 40 million pixels. It is made again in several widths, without " +
        "metadata. `images` of products take the paths.",
      operationId: "uploadPicture",
      rest: "POST /uploads",
      auth: "staff",
      scope: "catalogue:write",
      repeatable: "the same picture has the same paths",
      status: 201,
      upload: {
        part: "keepUploadedPart",
        types: ["image/jpeg", "image/png", "image/webp"],
        max: 10_000_000,
      },
      params: z.strictObject({ file: uploadedFile }),
      returns: uploadedPicture,
      errors: ["PICTURE_REFUSED"],
    }),
    keepUploadedPart: action({
      summary: "Keep a part of a picture that is being received",
      params: uploadedPart,
      returns: z.void(),
    }),
    file: action({
      summary: "A picture that was uploaded",
      operationId: "getFile",
      rest: "GET /files/:name",
      auth: "public",
      shared: true,
      immutable: true,
      produces: "image/webp",
      params: z.strictObject({
        name: z
          .string()
          .max(60)
          .regex(/^[0-9a-f]{40}-[0-9]{1,4}[.]webp$/, "must be the name of an uploaded picture")
          .meta({
            description: "The last part of its path",
            examples: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b-800.webp"],
          }),
      }),
      returns: z.unknown(),
      errors: ["NOT_FOUND"],
    }),
    demoPicture: action({
      summary: "A picture of the demo catalogue",
      description: "It is drawn from the words of its name: the same name is the same picture.",
      operationId: "getDemoPicture",
      rest: "GET /demo-pictures/:file",
      auth: "public",
      shared: true,
      produces: "image/svg+xml",
      params: z.strictObject({
        file: z
          .string()
          .max(120)
          .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*-[1-9][.]svg$/, "must be words, a number and .svg")
          .meta({
            description: "Words of the name and the number of the view",
            examples: ["nordic-brass-desk-lamp-12-1.svg"],
          }),
      }),
      returns: z.string().meta({ examples: ["<svg/>"] }),
    }),
    listCategories: action({
      summary: "All categories, as a tree with counts of products",
      description: "By name. `parentId` and `children` make the tree; the topmost ones have no parent.",
      operationId: "listCategories",
      rest: "GET /categories",
      auth: "public",
      shared: true,
      params: z.strictObject({ limit, cursor }),
      returns: page(categoryView),
    }),
    getCategory: action({
      summary: "One category, by id or slug",
      operationId: "getCategory",
      rest: "GET /categories/:id",
      auth: "public",
      shared: true,
      etag: true,
      params: z.strictObject({ id: z.union([id, slug]).meta({ description: "Id or slug of the category" }) }),
      returns: categoryView,
      errors: ["NOT_FOUND"],
    }),
    createCategory: action({
      summary: "Add a category",
      operationId: "createCategory",
      rest: "POST /categories",
      auth: "staff",
      scope: "catalogue:write",
      repeatable: "the slug is taken then",
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
      scope: "catalogue:write",
      etag: true,
      params: categoryInput.extend({ id: categoryId }),
      returns: categoryView,
      errors: ["NOT_FOUND", "SLUG_TAKEN", "CONFLICT", "VERSION_MISMATCH"],
    }),
    removeCategory: action({
      summary: "Remove a category",
      description: "One that has neither products nor categories below it.",
      operationId: "removeCategory",
      rest: "DELETE /categories/:id",
      auth: "staff",
      scope: "catalogue:write",
      etag: true,
      params: z.strictObject({ id: categoryId }),
      returns: z.void(),
      errors: ["NOT_FOUND", "CATEGORY_IN_USE", "VERSION_MISMATCH"],
    }),
    importMany: action({
      summary: "Create or change products of a file, each once",
      params: z.strictObject({
        job: id.meta({
          description: "Id of the import. With the line, it makes a repeated write count once",
        }),
        dryRun: z.boolean(),
        items: z
          .array(z.strictObject({ line: z.int().min(0), product: productImport }))
          .min(1)
          .max(200),
      }),
      returns: z.array(importResult),
    }),
    exportPage: action({
      summary: "All products by id, also those that are not published, but not those taken off sale",
      readOnly: true,
      params: z.strictObject({ after: id.optional(), until: id, limit: z.int().min(1).max(500) }),
      returns: z.array(
        z.strictObject({
          id,
          slug,
          name: z.string(),
          description: z.string(),
          categories: z.array(z.string()).meta({ description: "Slugs" }),
          images: z.array(z.string()),
          published: z.boolean(),
          variants: z.array(z.strictObject({ sku, price: money, options: z.record(z.string(), z.string()) })),
        }),
      ),
    }),
    variants: action({
      summary: "What is known of each SKU that is on sale, in no order; unknown ones are left out",
      readOnly: true,
      params: z.strictObject({
        skus: z.array(sku).min(1).max(100),
        latest: z.boolean().optional().meta({
          description: "Also changes that other nodes have made within the last second",
        }),
      }),
      returns: z.array(
        z.strictObject({
          sku,
          productId: id,
          name: z.string(),
          price: money,
          // Nodes of earlier versions leave them out.
          slug: slug.optional(),
          options: z.record(z.string(), z.string()).optional(),
          image: z.string().nullable().optional(),
        }),
      ),
    }),
  },
  messages: {},
  workers: {
    stockLevel: { receives: ["stock.depleted", "stock.replenished"] },
    rating: { receives: ["rating.changed"] },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof products> {}
}
