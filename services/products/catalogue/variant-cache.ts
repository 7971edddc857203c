/** Variants by SKU, in memory. */
import type { z } from "zod";
import { growingCache } from "../../../broker/resilience/growing-cache.ts";
import type { products } from "../products.contract.ts";

export type PresentVariant = z.input<typeof products.actions.variants.returns>[number];

/** No price is older than this. Changes on this node, and announced ones, are visible at once. */
const PRICE_TTL_MS = 1_000;
/** Where only this node changes products. It bounds the age of what is written past it by hand. */
const SOLE_TTL_MS = 60_000;
const MAX_SKUS = 20_000;

interface Reads {
  getMany(skus: readonly string[]): Promise<ReadonlyMap<string, PresentVariant>>;
}

interface Kept {
  /** null for a SKU that is not on sale, so that asking again needs no query. */
  variant: PresentVariant | null;
}

export class VariantCache {
  readonly #kept = growingCache<Kept>(MAX_SKUS, PRICE_TTL_MS);
  readonly #isSoleWriter: boolean;
  #clearings = 0;

  /** @param isSoleWriter whether nobody else changes products. Then what is kept is exact */
  constructor(isSoleWriter: boolean) {
    this.#isSoleWriter = isSoleWriter;
  }

  /**
   * Those of the SKUs that are on sale. The unknown ones are read together.
   * @param latest whether all changes that were acknowledged before, on any node, must be seen
   */
  async get(skus: readonly string[], reads: Reads, latest = false): Promise<PresentVariant[]> {
    const wanted = [...new Set(skus)];
    const mayBeKept = this.#isSoleWriter || !latest;
    const known = new Map(wanted.map((sku) => [sku, mayBeKept ? this.#kept.get(sku) : undefined]));
    const missing = wanted.filter((sku) => !known.get(sku));
    if (missing.length > 0) {
      const start = performance.now();
      const begun = this.#clearings;
      const found = await reads.getMany(missing);
      for (const sku of missing) {
        const kept = { variant: found.get(sku) ?? null };
        known.set(sku, kept);
        // A result that was read before a change is not cached after it.
        if (begun === this.#clearings) this.#kept.set(sku, kept, { start, ttl: this.#ttlOf(kept) });
      }
    }
    return wanted.flatMap((sku) => known.get(sku)?.variant ?? []);
  }

  clear(): void {
    this.#clearings++;
    this.#kept.clear();
  }

  /** Scripts may add products past this node. So "not on sale" is kept for a short time only. */
  #ttlOf({ variant }: Kept): number {
    return this.#isSoleWriter && variant ? SOLE_TTL_MS : PRICE_TTL_MS;
  }
}
