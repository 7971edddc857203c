/** Customers write, rewrite and delete their reviews. */
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Purchases } from "../purchases.ts";
import { type LiveReview, type Review, slotOf } from "../review.model.ts";
import { about, changeReview, entryOf, type ReviewTools, told } from "./change-review.ts";

export type Moderation = "before" | "after";

export interface Written extends Pick<Review, "rating" | "title" | "text" | "author"> {}

export interface Author {
  customerId: string;
  productId: string;
}

/** How long a deleted review is kept without its content: its event has left by then. */
const PURGE_AFTER_MS = 30 * 86_400_000;

/** @throws {SoukError} REVIEW_EXISTS, which names the first one */
export async function submitReview(
  tools: ReviewTools & { purchases: Purchases; moderation: Moderation },
  { customerId, productId }: Author,
  written: Written,
): Promise<Review> {
  const { reviews, purchases, moderation, clock } = tools;
  const slot = slotOf(customerId, productId);
  const now = new Date(clock.now());
  const status = moderation === "before" ? "pending" : "published";
  const review: Review = {
    _id: newId(),
    productId,
    customerId,
    slot,
    ...written,
    status,
    reason: null,
    verified: await purchases.has(slot),
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
  const events = [told("review.submitted", { ...about(review), status })];
  if (status === "published") events.push(told("review.published", about(review)));
  const outbox = events.map((it) => entryOf(tools, review._id, it));
  try {
    await reviews.create({ ...review, outbox });
  } catch (error) {
    if (!isDuplicateKey(error, "slot")) throw error;
    throw existsAlready(await reviews.findOne({ slot }, { _id: 1 }).lean<Review>());
  }
  tools.outbox.relay(review._id, outbox);
  // A delivery that was recorded since the look above has not seen this review.
  if (!review.verified && (await purchases.has(slot))) return purchases.verify(review);
  return review;
}

/** @throws {SoukError} REVIEW_EXISTS where the customer has reviewed the product */
export async function checkIsFirst(
  { reviews }: Pick<ReviewTools, "reviews">,
  { customerId, productId }: Author,
): Promise<void> {
  const first = await reviews.findOne({ slot: slotOf(customerId, productId) }, { _id: 1 }).lean<Review>();
  if (first) throw existsAlready(first);
}

/** The first one may have been deleted a moment ago. */
const existsAlready = (first: Pick<Review, "_id"> | null): SoukError =>
  first
    ? new SoukError("REVIEW_EXISTS", undefined, { members: { reviewId: first._id } })
    : new SoukError("CONFLICT");

/** @throws {SoukError} NOT_FOUND, also for another's; VERSION_MISMATCH */
export function rewriteReview(
  tools: ReviewTools & { moderation: Moderation },
  id: string,
  ifMatch: number | undefined,
  customerId: string,
  written: Written,
): Promise<Review> {
  return changeReview(tools, id, ifMatch, (before) => {
    checkOwner(before, customerId);
    const isSame =
      before.rating === written.rating &&
      before.title === written.title &&
      before.text === written.text &&
      before.author === written.author;
    if (isSame) return null;
    const stays = tools.moderation === "after" && before.status === "published";
    const status = stays ? "published" : "pending";
    return {
      set: { ...written, status, reason: null, updatedAt: new Date(tools.clock.now()) },
      tell: [told("review.changed", { ...about({ ...before, ...written }), status })],
    };
  });
}

/** Its content is gone at once. The customer may review the product anew. */
export async function deleteReview(
  tools: ReviewTools,
  id: string,
  ifMatch: number | undefined,
  customerId: string,
): Promise<void> {
  await changeReview(tools, id, ifMatch, (before) => {
    checkOwner(before, customerId);
    const now = tools.clock.now();
    return {
      set: {
        status: "deleted",
        author: null,
        title: null,
        text: "",
        reason: null,
        updatedAt: new Date(now),
        purgeAt: new Date(now + PURGE_AFTER_MS),
      },
      unset: ["slot", "customerId"],
      tell: [told("review.deleted", about(before))],
    };
  });
}

/** Another's review is as if there were none. */
export function checkOwner(review: LiveReview, customerId: string): void {
  if (review.customerId !== customerId) throw new SoukError("NOT_FOUND");
}
