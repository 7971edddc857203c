/** The catalogue: products with their variants, and categories. */

import { may } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { regularly } from "../../broker/resilience/regularly.ts";
import { cache } from "../../mixins/cache.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { exportProducts } from "./bulk/export-products.ts";
import { importProducts } from "./bulk/import-products.ts";
import { catalogueCaches } from "./catalogue/caches.ts";
import { createCatalogueReader } from "./catalogue/read-products.ts";
import { VariantReads } from "./catalogue/read-variants.ts";
import { changeProduct, createProduct, removeProduct } from "./catalogue/write-product.ts";
import { findCategory, listCategories } from "./categories/read-categories.ts";
import { createReindexing } from "./categories/reindex-in-background.ts";
import { createCategory, removeCategory, replaceCategory } from "./categories/write-category.ts";
import { categoryModel } from "./models/category.model.ts";
import { productModel } from "./models/product.model.ts";
import { stockLevelModel } from "./models/stock-level.model.ts";
import { drawPicture } from "./pictures/draw-picture.ts";
import { products } from "./products.contract.ts";
import { recordRating } from "./rating/record-rating.ts";
import { followProducts } from "./search/follow-products.ts";
import { newIndex } from "./search/new-index.ts";
import { createAvailability } from "./stock/availability.ts";
import { recordStockLevel } from "./stock/record-stock-level.ts";
import { keepPart, keepPicture, readPicture, removeLeftParts } from "./uploads/pictures.ts";
import { PictureResizer } from "./uploads/resize-pictures.ts";
import { categoryViewOf } from "./views.ts";

export default defineService(products, {
  mixins: [
    mongo({
      products: productModel,
      categories: categoryModel,
      stockLevels: stockLevelModel,
    }),
    cache(({ name, broker }) => catalogueCaches(broker.souk.isSoleWriter(name))),
    workers(),
  ],

  setup({ models, database, broker, caches, invalidate, clock, call, logger, config }) {
    const catalogue = { ...models, database, clock };
    const availability = createAvailability((skus) => call("inventory.availability", { skus }), logger);
    const followed = followProducts(models.products, () => newIndex(models.products, config), logger);
    const { files } = broker.souk;
    return {
      files,
      resizer: new PictureResizer(),
      leftParts: regularly(() => removeLeftParts(files, clock.now()), logger),
      catalogue,
      followed,
      reader: createCatalogueReader({ ...models, availability, caches, followed, currency: config.CURRENCY }),
      variantReads: new VariantReads(collectionOf(models.products)),
      reindexing: createReindexing(catalogue, invalidate, logger),
    };
  },

  methods: {
    /** The result of a write, after all caches have dropped the previous data. A failed one may have changed it too. */
    async changing<T>(write: Promise<T>): Promise<T> {
      try {
        return await write;
      } finally {
        this.invalidate();
      }
    },
  },

  actions: {
    list({ params, meta }) {
      if (params.published === false && !may(meta.user, "catalogue:read"))
        throw new SoukError("FORBIDDEN", "Only staff see what is not published.");
      return this.reader.list(params);
    },

    async suggest({ params: { q, limit } }) {
      return { items: [...(await this.reader.suggest(q, limit))], nextCursor: null };
    },

    get({ params, meta }) {
      return this.reader.find(params.id, may(meta.user, "catalogue:read"));
    },

    async create({ params }) {
      return this.reader.view(await this.changing(createProduct(this.catalogue, params)));
    },

    async replace({ params: { id, ...content }, meta }) {
      const change = changeProduct(this.catalogue, id, meta.ifMatch, content);
      return this.reader.view(await this.changing(change));
    },

    async update({ params: { id, ...changes }, meta }) {
      const change = changeProduct(this.catalogue, id, meta.ifMatch, changes);
      return this.reader.view(await this.changing(change));
    },

    remove({ params, meta }) {
      return this.changing(removeProduct(this.catalogue, params.id, meta.ifMatch));
    },

    keepUploadedPart({ params }) {
      return keepPart(this.files, params);
    },

    async upload({ params: { file } }) {
      return { sizes: await keepPicture(this.files, this.resizer, file) };
    },

    file({ params: { name } }) {
      return readPicture(this.files, name);
    },

    demoPicture({ params: { file } }) {
      const [, words = "", view] = /^(.*)-([1-9])[.]svg$/.exec(file) ?? [];
      return drawPicture(words, Number(view));
    },

    async listCategories({ params }) {
      const { items, nextCursor } = await listCategories(this.models.categories, params);
      return { items: await this.reader.counted(items), nextCursor };
    },

    async getCategory({ params }) {
      const found = await findCategory(this.models.categories, params.id);
      const [category = found] = await this.reader.counted([found]);
      return category;
    },

    async createCategory({ params }) {
      return categoryViewOf(await this.changing(createCategory(this.catalogue, params)));
    },

    async replaceCategory({ params: { id, ...input }, meta }) {
      const category = await this.changing(replaceCategory(this.catalogue, id, meta.ifMatch, input));
      if (category.relist) this.reindexing.run();
      return categoryViewOf(category);
    },

    removeCategory({ params, meta }) {
      return this.changing(removeCategory(this.catalogue, params.id, meta.ifMatch));
    },

    importMany({ params }) {
      const written = importProducts(this.catalogue, params);
      return params.dryRun ? written : this.changing(written);
    },

    exportPage({ params }) {
      return exportProducts(this.models, params);
    },

    variants({ params: { skus, latest } }) {
      return this.caches.variants.get(skus, this.variantReads, latest);
    },
  },

  workers: {
    async stockLevel({ type, subject: _id, data: { revision } }) {
      await recordStockLevel(this.models, { _id, revision, inStock: type === "stock.replenished" });
    },

    async rating({ subject, data }) {
      // Also a repeated one: its first delivery may have crashed before the caches were told.
      await this.changing(recordRating(this.models.products, subject, data));
    },
  },

  started() {
    this.reindexing.start();
    this.followed.start();
    this.leftParts.start();
  },

  stopped() {
    this.leftParts.stop();
    this.resizer.close();
    return Promise.all([this.followed.stop(), this.reindexing.stop()]).then(() => undefined);
  },
});
