/** A review as callers see it. */
import { type CallMeta, isStaff } from "../../../broker/contract/call-meta.ts";
import { isLive, type LiveReview, type Review } from "../review.model.ts";
import type { ReviewView } from "../reviews.schemas.ts";

/** Whether it is the caller's own, or the caller is staff. */
export const seesAll = ({ customerId }: Pick<Review, "customerId">, user: CallMeta["user"]): boolean =>
  isStaff(user) || (user !== undefined && customerId === user.id);

/** The customer's id is in no view: it would tell who has bought what. */
export const viewOf = (it: LiveReview, user: CallMeta["user"]): ReviewView => ({
  id: it._id,
  productId: it.productId,
  author: it.author,
  rating: it.rating,
  title: it.title,
  text: it.text,
  verified: it.verified,
  status: it.status,
  reason: seesAll(it, user) ? it.reason : null,
  createdAt: it.createdAt.toISOString(),
  updatedAt: it.updatedAt.toISOString(),
  version: it.version,
});

/** As just written. @throws where it is deleted, which a write never answers with */
export function writtenView(it: Review, user: CallMeta["user"]): ReviewView {
  if (!isLive(it)) throw new Error(`the review ${it._id} is deleted`);
  return viewOf(it, user);
}
