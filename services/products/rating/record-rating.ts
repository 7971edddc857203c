/** Keeps a product's rating, from the reviews service's messages. They may come late or repeatedly. */
import { type Model, trusted } from "mongoose";
import type { DataOut } from "../../../broker/contract/contract.ts";
import { type Product, STAMP } from "../models/product.model.ts";

type Counted = DataOut<"rating.changed">;

/** Two decimals: the average of many does not change with each of them. */
export function ratingOf({ histogram }: Pick<Counted, "histogram">): { average: number; count: number } {
  const count = histogram.reduce((sum, it) => sum + it, 0);
  const stars = histogram.reduce((sum, it, at) => sum + it * (at + 1), 0);
  return { average: count === 0 ? 0 : Math.round((100 * stars) / count) / 100, count };
}

/**
 * Each message has the whole count, so only the latest one matters. Also of a product that was taken off sale: it may
 * come back.
 * @returns whether it changed the product
 */
export async function recordRating(
  products: Model<Product>,
  productId: string,
  { histogram, revision }: Counted,
): Promise<boolean> {
  const older = { $or: [{ "rating.revision": null }, { "rating.revision": trusted({ $lt: revision }) }] };
  const { matchedCount } = await products.updateOne(
    { _id: productId, ...older },
    { $set: { rating: { ...ratingOf({ histogram }), revision } }, $inc: { writes: 1 }, ...STAMP },
  );
  return matchedCount === 1;
}
