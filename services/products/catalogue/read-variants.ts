/** Reads what cart and checkout show of SKUs on sale. Reads that wait go out together in one indexed query. */
import { commandsInFlight } from "../../../broker/mongo/commands-in-flight.ts";
import type { Documents } from "../../../broker/mongo/documents.ts";
import { KeyedReads } from "../../../broker/mongo/keyed-reads.ts";
import { COMMAND_TIMEOUT_MS, inTime } from "../../../broker/resilience/deadline.ts";
import type { Product } from "../models/product.model.ts";
import { clip } from "../text/normalize-text.ts";
import type { PresentVariant } from "./variant-cache.ts";

const MAX_NAME = 200;
const FIELDS = { name: 1, slug: 1, images: 1, variants: 1 };

export class VariantReads {
  readonly #reads: KeyedReads<PresentVariant>;

  constructor(products: Pick<Documents<Product>, "find">) {
    this.#reads = new KeyedReads(async (skus) => {
      const filter = { "variants.sku": { $in: skus }, onSale: true };
      const found = await inTime(COMMAND_TIMEOUT_MS, products.find(filter, { projection: FIELDS }).toArray());
      return new Map(
        found.flatMap((product) => product.variants.map((it) => [it.sku, presentVariant(product, it)])),
      );
    }, commandsInFlight(products));
  }

  /**
   * Those of the SKUs that are on sale. Every change that was acknowledged before the call is seen.
   * @throws the driver's error when MongoDB is away
   */
  async getMany(skus: readonly string[]): Promise<Map<string, PresentVariant>> {
    const found = await Promise.all(skus.map((it) => this.#reads.get(it)));
    return new Map(found.flatMap((it) => (it ? [[it.sku, it] as const] : [])));
  }
}

/** The product's name where it has one variant, else with the options: `Linen shirt (red, M)`. */
function presentVariant(
  { _id, name, slug, images, variants }: Pick<Product, "_id" | "name" | "slug" | "images" | "variants">,
  { sku, price, options }: Product["variants"][number],
): PresentVariant {
  const chosen = Object.values(options);
  const full = variants.length > 1 && chosen.length > 0 ? `${name} (${chosen.join(", ")})` : name;
  return {
    sku,
    productId: _id,
    name: clip(full, MAX_NAME),
    price: { amount: price.amount, currency: price.currency },
    slug,
    options,
    image: images[0] ?? null,
  };
}
