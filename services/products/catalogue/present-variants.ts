/**
 * Name and price of SKUs on sale, for cart and checkout. One indexed query reads those not read within the last
 * second.
 */
import { type Model, trusted } from "mongoose";
import type { Product } from "../models/product.model.ts";
import { clip } from "../text/normalize-text.ts";
import type { PresentVariant, VariantCache } from "./variant-cache.ts";

const MAX_NAME = 200;

export async function presentVariants(
  { products, cache }: { products: Model<Product>; cache: VariantCache },
  skus: readonly string[],
): Promise<PresentVariant[]> {
  return cache.get(skus, async (missing) => {
    const found = await products
      .find({ "variants.sku": trusted({ $in: [...missing] }), onSale: true }, { name: 1, variants: 1 })
      .lean<Product[]>();
    return new Map(found.flatMap((product) => product.variants.map((it) => [it.sku, present(product, it)])));
  });
}

/** The product's name where it has one variant, else with the options: `Linen shirt (red, M)`. */
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
