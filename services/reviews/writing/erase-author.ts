/**
 * An account is gone: its reviews lose their author, and what it has bought is forgotten. Their texts and stars stay,
 * because others rely on them, and nothing tells any more whose they were.
 */
import type { Model } from "mongoose";
import type { Purchase } from "../purchase.model.ts";
import type { Review } from "../review.model.ts";

/** A repeated call changes nothing. */
export async function eraseAuthor(
  { reviews, purchases }: { reviews: Model<Review>; purchases: Model<Purchase> },
  customerId: string,
): Promise<void> {
  await reviews.updateMany(
    { customerId },
    { $set: { customerId: null, author: null }, $unset: { slot: "" }, $inc: { version: 1 } },
  );
  await purchases.deleteMany({ customerId });
}
