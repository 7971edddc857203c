import { z } from "zod";
import {
  type ActionsOf,
  action,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import { cursor, flag, id, limit, page, slug } from "../../broker/contract/schemas.ts";
import { reviewsConfig } from "./reviews.config.ts";
import { reviewsErrors } from "./reviews.errors.ts";
import {
  histogram,
  rejectionReason,
  reviewInput,
  reviewSort,
  reviewStatus,
  reviewView,
  stars,
} from "./reviews.schemas.ts";

const reviewId = id.meta({ description: "Id of the review" });
const productIdOrSlug = z.union([id, slug]).meta({ description: "Id or slug of the product" });

/** What each event of a review tells. */
const about = {
  productId: id,
  customerId: id.nullable().meta({ description: "Null where the account is gone" }),
  rating: stars,
};
const withStatus = z.strictObject({ ...about, status: reviewStatus });

const messages = {
  "review.submitted": event("review", "A customer has written a review", withStatus),
  "review.published": event("review", "A review is seen by everybody", z.strictObject(about)),
  "review.rejected": event(
    "review",
    "Staff do not show a review",
    z.strictObject({ ...about, reason: rejectionReason.nullable() }),
  ),
  "review.changed": event("review", "A customer has changed their review", withStatus),
  "review.deleted": event("review", "A customer has deleted their review", z.strictObject(about)),
  "rating.changed": event(
    "product",
    "The published reviews of a product have changed: all of them, counted anew",
    z.strictObject({
      histogram,
      revision: z
        .int()
        .min(1)
        .meta({ description: "Of two messages, the one with the higher number counts", examples: [7] }),
    }),
  ),
};

export const reviews = defineContract({
  service: "reviews",
  config: reviewsConfig,
  errors: reviewsErrors,
  description: "What customers think of products: written, moderated, counted.",
  actions: {
    listOfProduct: action({
      summary: "Reviews of a product",
      description:
        "Those that are published. `total` and `histogram` count all of them, within a second of a change. " +
        "With `mine=true` the caller's own, in any status.",
      operationId: "listProductReviews",
      rest: "GET /products/:id/reviews",
      auth: "public",
      knowsCaller: true,
      params: z.strictObject({
        id: productIdOrSlug,
        rating: z.coerce
          .number<number | string>()
          .pipe(stars)
          .optional()
          .meta({ description: "Only those with so many stars", examples: [5] }),
        mine: flag.optional().meta({ description: "The caller's own" }),
        sort: reviewSort.default("newest").meta({ description: "What comes first" }),
        limit,
        cursor,
      }),
      returns: page(reviewView)
        .extend({
          total: z.int().meta({ description: "How many there are on all pages", examples: [1] }),
          histogram,
        })
        .meta({ id: "ProductReviewPage", description: "A part of a product's reviews" }),
      errors: ["NOT_FOUND", "UNAUTHENTICATED"],
    }),
    create: action({
      summary: "Review a product",
      description:
        "Once per customer and product: 409 names the review that there is. Where `REVIEWS_MODERATION=before`, staff " +
        "publish it.",
      operationId: "createReview",
      rest: "POST /products/:id/reviews",
      auth: "customer",
      repeatable: "there is one then, and the reply names it",
      status: 201,
      etag: true,
      params: reviewInput.extend({ id: productIdOrSlug }),
      returns: reviewView,
      errors: ["NOT_FOUND", "REVIEW_EXISTS", "RATE_LIMITED"],
      problems: { REVIEW_EXISTS: z.strictObject({ reviewId: id }) },
    }),
    get: action({
      summary: "One review",
      description: "One that is not published is found by its author and staff only.",
      operationId: "getReview",
      rest: "GET /reviews/:id",
      auth: "public",
      knowsCaller: true,
      etag: true,
      params: z.strictObject({ id: reviewId }),
      returns: reviewView,
      errors: ["NOT_FOUND"],
    }),
    replace: action({
      summary: "Rewrite one's review",
      description:
        "Where `REVIEWS_MODERATION=before`, staff publish it again. One that was rejected always waits for them.",
      operationId: "replaceReview",
      rest: "PUT /reviews/:id",
      auth: "customer",
      etag: true,
      params: reviewInput.extend({ id: reviewId }),
      returns: reviewView,
      errors: ["NOT_FOUND", "VERSION_MISMATCH", "RATE_LIMITED"],
    }),
    remove: action({
      summary: "Delete one's review",
      operationId: "deleteReview",
      rest: "DELETE /reviews/:id",
      auth: "customer",
      etag: true,
      params: z.strictObject({ id: reviewId }),
      returns: z.void(),
      errors: ["NOT_FOUND", "VERSION_MISMATCH"],
    }),
    list: action({
      summary: "All reviews, newest first",
      operationId: "listReviews",
      rest: "GET /reviews",
      auth: "staff",
      scope: "reviews:read",
      params: z.strictObject({
        status: reviewStatus.optional().meta({ description: "Only those; `pending` waits for staff" }),
        limit,
        cursor,
      }),
      returns: page(reviewView),
    }),
    moderate: action({
      summary: "Publish a review, or reject it",
      description: "From any status. The same again changes nothing.",
      operationId: "moderateReview",
      rest: "PATCH /reviews/:id",
      auth: "staff",
      scope: "reviews:write",
      etag: true,
      params: z.strictObject({
        id: reviewId,
        status: z
          .enum(["published", "rejected"])
          .meta({ id: "ReviewDecision", description: "What staff decide about a review" }),
        reason: rejectionReason.optional(),
      }),
      returns: reviewView,
      errors: ["NOT_FOUND", "VERSION_MISMATCH"],
    }),
  },
  messages,
  workers: {
    countRatings: {
      receives: ["review.published", "review.rejected", "review.changed", "review.deleted"],
    },
    recordPurchase: { receives: ["order.delivered"] },
    eraseAuthor: { receives: ["user.erased"] },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof reviews> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
