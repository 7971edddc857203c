/** Name and price of SKUs on sale, for cart and checkout: one indexed query for those not read within the last second. */
import { LRUCache } from "lru-cache";
import { type Model, trusted } from "mongoose";
import type { z } from "zod";
import type { Product } from "../models/product.model.ts";
import type { products } from "../products.contract.ts";
import { clip } from "../text/normalize-text.ts";

export type PresentVariant = z.input<typeof products.actions.variants.returns>[number];

/** No price is older than this, wherever it was changed; changes on this node and those it hears of show at once. */
export const PRICE_TTL_MS = 1_000;
const MAX_SKUS = 20_000;
const MAX_NAME = 200;

export interface PresentVariants {
  of(skus: readonly string[]): Promise<PresentVariant[]>;
  clear(): void;
}

export function createPresentVariants(model: Model<Product>): PresentVariants {
  // null for a SKU that is not on sale: asking for it again costs no query either.
  const kept = new LRUCache<string, { variant: PresentVariant | null }>({
    max: MAX_SKUS,
    ttl: PRICE_TTL_MS,
    ttlResolution: 1,
  });
  let clearings = 0;

  async function read(skus: readonly string[]): Promise<Map<string, PresentVariant>> {
    const found = await model
      .find({ "variants.sku": trusted({ $in: [...skus] }), onSale: true }, { name: 1, variants: 1 })
      .lean<Product[]>();
    return new Map(found.flatMap((product) => product.variants.map((it) => [it.sku, present(product, it)])));
  }

  return {
    async of(skus) {
      const wanted = [...new Set(skus)];
      const known = new Map(wanted.map((sku) => [sku, kept.get(sku)]));
      const missing = wanted.filter((sku) => !known.get(sku));
      if (missing.length > 0) {
        const start = performance.now();
        const begun = clearings;
        const found = await read(missing);
        for (const sku of missing) {
          const entry = { variant: found.get(sku) ?? null };
          known.set(sku, entry);
          // What was read before a change is not kept after it.
          if (begun === clearings) kept.set(sku, entry, { start });
        }
      }
      return wanted.flatMap((sku) => known.get(sku)?.variant ?? []);
    },
    clear() {
      clearings++;
      kept.clear();
    },
  };
}

/** A product's name alone where it comes in one form only, else with the options: `Linen shirt (red, M)`. */
function present(
  { _id, name, variants }: Pick<Product, "_id" | "name" | "variants">,
  { sku, price, options }: Product["variants"][number],
): PresentVariant {
  const chosen = Object.values(options);
  const full = variants.length > 1 && chosen.length > 0 ? `${name} (${chosen.join(", ")})` : name;
  return {
    sku,
    productId: _id,
    name: clip(full, MAX_NAME),
    price: { amount: price.amount, currency: price.currency },
  };
}
