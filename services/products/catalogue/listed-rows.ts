/**
 * Products of lists. A row that was read stays, until the search index knows a later write of the product. So a row is
 * never older than the index.
 */
import type { ReadGroup } from "../../../broker/mongo/read-group.ts";
import { growingCache } from "../../../broker/resilience/growing-cache.ts";
import { isThere, type Product } from "../models/product.model.ts";
import type { SearchResult } from "../search/product-search.ts";
import { type ProductRow, rowOf } from "../views.ts";

const MAX_ROWS = 20_000;

interface Kept {
  writes: number;
  /** Undefined for one taken off sale. */
  row: ProductRow | undefined;
}

export class ListedRows {
  readonly #reads: Pick<ReadGroup<Product>, "getMany">;
  readonly #kept = growingCache<Kept>(MAX_ROWS);

  constructor(reads: Pick<ReadGroup<Product>, "getMany">) {
    this.#reads = reads;
  }

  /** Those that are published, or not, in this order. */
  async get(
    { ids, writes }: Pick<SearchResult, "ids" | "writes">,
    published: boolean,
  ): Promise<ProductRow[]> {
    const known = new Map<string, Kept>();
    for (const [at, id] of ids.entries()) {
      const kept = this.#kept.get(id);
      if (kept && kept.writes >= (writes[at] ?? Number.POSITIVE_INFINITY)) known.set(id, kept);
    }
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length > 0)
      for (const product of await this.#reads.getMany(missing)) {
        const kept = { writes: product.writes, row: isThere(product) ? rowOf(product) : undefined };
        known.set(product._id, kept);
        this.#kept.set(product._id, kept);
      }
    return ids.flatMap((id) => {
      const row = known.get(id)?.row;
      return row && row.published === published ? [row] : [];
    });
  }
}
