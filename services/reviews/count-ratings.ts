/**
 * Counts the published reviews of a product anew. The count is absolute and has a revision, so a repeated or late
 * message does no harm. A count is written only if none was written since it began: an older reading is never written
 * last. A change that it has not seen has a message of its own, which counts again.
 *
 * It costs one reading of the index over the product's published reviews: some milliseconds for ten thousand.
 */
import type { Model } from "mongoose";
import { isDuplicateKey } from "../../broker/mongo/duplicate-key.ts";
import { noReviews, type Rating } from "./rating.model.ts";
import type { Review } from "./review.model.ts";
import type { Histogram } from "./reviews.schemas.ts";

export interface RatingModels {
  reviews: Model<Review>;
  ratings: Model<Rating>;
}

/** @returns as it is now, changed or not */
export async function countRatings({ reviews, ratings }: RatingModels, productId: string): Promise<Rating> {
  for (;;) {
    const before = await ratings.findById(productId).lean<Rating>();
    const histogram = await countNow(reviews, productId);
    if (before?.histogram.every((it, at) => it === histogram[at])) return before;
    const after: Rating = { _id: productId, histogram, revision: (before?.revision ?? 0) + 1 };
    if (await write(ratings, before, after)) return after;
  }
}

async function countNow(reviews: Model<Review>, productId: string): Promise<Histogram> {
  const counted = await reviews.aggregate<{ _id: number; count: number }>([
    { $match: { productId, status: "published" } },
    { $group: { _id: "$rating", count: { $sum: 1 } } },
  ]);
  const histogram = noReviews();
  for (const { _id: stars, count } of counted) histogram[stars - 1] = count;
  return histogram;
}

/** @returns false where another count was written meanwhile */
async function write(ratings: Model<Rating>, before: Rating | null, after: Rating): Promise<boolean> {
  if (before) {
    const { _id, ...changed } = after;
    const { matchedCount } = await ratings.updateOne({ _id, revision: before.revision }, { $set: changed });
    return matchedCount === 1;
  }
  try {
    await ratings.create(after);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}
