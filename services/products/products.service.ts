/** The catalogue: products with their variants, and categories. */

import { redactedReason } from "../../broker/contract/redact.ts";
import { defineServiceFromParts } from "../../broker/moleculer/define-service-from-parts.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import { createPresentVariants } from "./catalogue/present-variants.ts";
import { createCatalogueReader } from "./catalogue/read-products.ts";
import { changeProduct, createProduct, removeProduct } from "./catalogue/write-product.ts";
import { findCategory, listCategories } from "./categories/read-categories.ts";
import { reindexBelowMarked } from "./categories/reindex-below.ts";
import { treeLockModel } from "./categories/tree-lock.ts";
import { createCategory, removeCategory, replaceCategory } from "./categories/write-category.ts";
import { categoryModel } from "./models/category.model.ts";
import { productModel } from "./models/product.model.ts";
import { stockLevelModel } from "./models/stock-level.model.ts";
import { products } from "./products.contract.ts";
import { createAvailability } from "./stock/availability.ts";
import { recordStockLevel } from "./stock/record-stock-level.ts";
import { categoryViewOf } from "./views.ts";

const owned = {
  models: {
    products: productModel,
    categories: categoryModel,
    stockLevels: stockLevelModel,
    treeLocks: treeLockModel,
  },
};

/** How often marked categories are looked for that a stopped node has left behind. */
const RELIST_EVERY_MS = 60_000;

export default defineServiceFromParts(products, owned, ({ models, clock, log, call, notify }) => {
  const tools = { ...models, clock };
  const availability = createAvailability((skus) => call("inventory.availability", { skus }), log);
  const reader = createCatalogueReader({ ...models, availability });
  const variants = createPresentVariants(models.products);
  const stopping = new AbortController();
  let relisting = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function forget(): void {
    reader.clear();
    variants.clear();
  }

  /** Own caches at once, so that a writer reads what it wrote; other nodes' as soon as they hear of it. */
  async function changing<T>(write: Promise<T>): Promise<T> {
    const result = await write;
    forget();
    notify("catalogue");
    return result;
  }

  /** In the background: below a category there may be all products. One run after the other; none gets lost. */
  function relist(): void {
    relisting = relisting
      .then(() => reindexBelowMarked(tools, stopping.signal))
      .then(
        (count) => {
          if (count > 0) notify("catalogue");
        },
        (error: Error) =>
          rateLimitedLog(log).warn("listing", "products were not listed anew yet", {
            reason: redactedReason(error),
          }),
      );
  }

  return {
    actions: {
      list: (ctx) => reader.list(ctx.params),
      get: (ctx) => reader.find(ctx.params.id),
      async create(ctx) {
        return reader.view(await changing(createProduct(tools, ctx.params)));
      },
      async replace(ctx) {
        const { id, ...content } = ctx.params;
        return reader.view(await changing(changeProduct(tools, id, ctx.meta.ifMatch, content)));
      },
      async update(ctx) {
        const { id, ...changes } = ctx.params;
        return reader.view(await changing(changeProduct(tools, id, ctx.meta.ifMatch, changes)));
      },
      remove: (ctx) => changing(removeProduct(tools, ctx.params.id, ctx.meta.ifMatch)),
      listCategories: (ctx) => listCategories(models.categories, ctx.params),
      getCategory: (ctx) => findCategory(models.categories, ctx.params.id),
      async createCategory(ctx) {
        return categoryViewOf(await changing(createCategory(tools, ctx.params)));
      },
      async replaceCategory(ctx) {
        const { id, ...input } = ctx.params;
        const category = await changing(replaceCategory(tools, id, ctx.meta.ifMatch, input));
        if (category.relist) relist();
        return categoryViewOf(category);
      },
      removeCategory: (ctx) => changing(removeCategory(tools, ctx.params.id, ctx.meta.ifMatch)),
      variants: (ctx) => variants.of(ctx.params.skus),
    },
    workers: {
      async stockLevel({ type, subject, data }) {
        await recordStockLevel(models, {
          _id: subject,
          revision: data.revision,
          inStock: type === "stock.replenished",
        });
      },
    },
    notified: forget,
    async started() {
      timer = setInterval(relist, RELIST_EVERY_MS);
      timer.unref();
      relist();
    },
    async stopped() {
      clearInterval(timer);
      stopping.abort();
      await relisting;
    },
  };
});
