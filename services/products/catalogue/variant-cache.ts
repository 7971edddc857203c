/** Variants by SKU. A read of many asks for the unknown ones in one query. */
import { LRUCache } from "lru-cache";
import type { z } from "zod";
import type { products } from "../products.contract.ts";

export type PresentVariant = z.input<typeof products.actions.variants.returns>[number];

/** No price is older than this. Changes on this node, and announced ones, are visible at once. */
const PRICE_TTL_MS = 1_000;
const MAX_SKUS = 20_000;

export class VariantCache {
  /** null for a SKU that is not on sale, so that asking again needs no query. */
  readonly #kept = new LRUCache<string, { variant: PresentVariant | null }>({
    max: MAX_SKUS,
    ttl: PRICE_TTL_MS,
    ttlResolution: 1,
  });
  #clearings = 0;

  /** Those of the SKUs that are on sale. @param read reads the unknown SKUs */
  async get(
    skus: readonly string[],
    read: (missing: readonly string[]) => Promise<ReadonlyMap<string, PresentVariant>>,
  ): Promise<PresentVariant[]> {
    const wanted = [...new Set(skus)];
    const known = new Map(wanted.map((sku) => [sku, this.#kept.get(sku)]));
    const missing = wanted.filter((sku) => !known.get(sku));
    if (missing.length > 0) {
      const start = performance.now();
      const begun = this.#clearings;
      const found = await read(missing);
      for (const sku of missing) {
        const entry = { variant: found.get(sku) ?? null };
        known.set(sku, entry);
        // A result that was read before a change is not cached after it.
        if (begun === this.#clearings) this.#kept.set(sku, entry, { start });
      }
    }
    return wanted.flatMap((sku) => known.get(sku)?.variant ?? []);
  }

  clear(): void {
    this.#clearings++;
    this.#kept.clear();
  }
}
