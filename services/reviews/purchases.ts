/**
 * Verified purchases. Both sides write first and look then: a delivery is recorded and then looks for a review, a review
 * is stored and then looks for a delivery. So one of the two sees the other, in whatever order they come.
 *
 * A refund or a return later does not unverify: the customer has had the product, which is what the mark says.
 */
import { type Model, trusted } from "mongoose";
import type { Message } from "../../broker/contract/envelope.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { writeGroup } from "../../broker/mongo/write-group.ts";
import type { Purchase } from "./purchase.model.ts";
import { type Review, slotOf } from "./review.model.ts";

export interface Purchases {
  has(slot: string): Promise<boolean>;
  /** Marks a review. @returns it, as it is then */
  verify(review: Review): Promise<Review>;
  /** Of an order that was delivered. A repeated message changes nothing. */
  record(message: Pick<Message<"order.delivered">, "subject" | "data">): Promise<void>;
}

export function createPurchases(models: { purchases: Model<Purchase>; reviews: Model<Review> }): Purchases {
  const { reviews } = models;
  const purchases = collectionOf(models.purchases);
  const mark = (which: { _id: string } | { slot: string }) =>
    reviews
      .findOneAndUpdate(
        { ...which, verified: false },
        { $set: { verified: true }, $inc: { version: 1 } },
        { returnDocument: "after" },
      )
      .lean<Review>();
  return {
    has: async (slot) => (await purchases.findOne({ _id: slot }, { projection: { _id: 1 } })) !== null,

    async verify(review) {
      return (
        (await mark({ _id: review._id })) ?? (await reviews.findById(review._id).lean<Review>()) ?? review
      );
    },

    async record({ subject: orderId, data: { customerId, lines } }) {
      const products = new Set(lines.flatMap(({ productId }) => productId ?? []));
      const slots = [...products].map((it) => slotOf(customerId, it));
      await Promise.all(slots.map((_id) => writeGroup(purchases).insertNew({ _id, customerId, orderId })));
      const waiting = await reviews
        .find({ slot: trusted({ $in: slots }) }, { _id: 1, verified: 1 })
        .lean<Review[]>();
      for (const it of waiting) if (!it.verified) await mark({ _id: it._id });
    },
  };
}
