/** Lists of reviews. Each is read from an index in its order. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import type { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import { beforeId, pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import { noReviews, type Rating } from "../rating.model.ts";
import { isLive, type LiveReview, type Review, slotOf } from "../review.model.ts";
import type { reviews as contract } from "../reviews.contract.ts";
import type { Histogram } from "../reviews.schemas.ts";

type ListParams = z.output<typeof contract.actions.list.params>;
type ProductParams = z.output<typeof contract.actions.listOfProduct.params>;

interface Listed {
  shown: LiveReview[];
  nextCursor: string | null;
}

export interface ListedOfProduct extends Listed {
  total: number;
  histogram: Histogram;
}

/** Staff's list, newest first. Ids begin with the time. */
export async function listReviews(
  reviews: Model<Review>,
  { status, limit, cursor }: ListParams,
): Promise<Listed> {
  const list = `reviews ${status ?? ""}`;
  const found = await reviews
    .find({ ...beforeId(cursor, list), status: status ?? trusted({ $ne: "deleted" }) })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean<Review[]>();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => it._id);
  return { shown: shown.filter(isLive), nextCursor };
}

/** Those that everybody sees. */
export async function listOfProduct(
  { reviews, ratings }: { reviews: Model<Review>; ratings: Model<Rating> },
  productId: string,
  { rating, sort, limit, cursor }: Pick<ProductParams, "rating" | "sort" | "limit" | "cursor">,
): Promise<ListedOfProduct> {
  const list = `reviews of ${productId} ${rating ?? ""} ${sort}`;
  const filter = {
    productId,
    status: "published" as const,
    ...(rating === undefined ? {} : { rating }),
  };
  const direction = sort === "-rating" ? 1 : -1;
  const [found, counted] = await Promise.all([
    reviews
      .find(
        sort === "newest" ? { ...filter, ...beforeId(cursor, list) } : after(filter, cursor, list, direction),
      )
      .sort(sort === "newest" ? { _id: -1 } : { rating: direction, _id: direction })
      .limit(limit + 1)
      .lean<Review[]>(),
    ratings.findById(productId).lean<Rating>(),
  ]);
  const keyOf = (it: Review) => (sort === "newest" ? it._id : `${it.rating} ${it._id}`);
  const { shown, nextCursor } = pageOf(found, limit, list, keyOf);
  const histogram = counted?.histogram ?? noReviews();
  const total =
    rating === undefined ? histogram.reduce((sum, it) => sum + it, 0) : (histogram[rating - 1] ?? 0);
  return { shown: shown.filter(isLive), nextCursor, total, histogram };
}

const STARS_AND_ID = /^[1-5] [0-9a-f-]{36}$/;

/** The reviews after the cursor of a list by rating. */
function after(
  filter: QueryFilter<Review>,
  cursor: string | undefined,
  list: string,
  direction: 1 | -1,
): QueryFilter<Review> {
  if (cursor === undefined) return filter;
  const [stars, id] = readCursor(cursor, list, STARS_AND_ID).split(" ");
  const beyond = (value: unknown) => trusted(direction === 1 ? { $gt: value } : { $lt: value });
  return {
    ...filter,
    $or: [{ rating: beyond(Number(stars)) }, { rating: Number(stars), _id: beyond(id) }],
  } as QueryFilter<Review>;
}

/** The caller's own review of a product, in any status. */
export async function ownOfProduct(
  { reviews, ratings }: { reviews: Model<Review>; ratings: Model<Rating> },
  productId: string,
  customerId: string | undefined,
): Promise<ListedOfProduct> {
  if (customerId === undefined) throw new SoukError("UNAUTHENTICATED");
  const [own, counted] = await Promise.all([
    reviews.findOne({ slot: slotOf(customerId, productId) }).lean<Review>(),
    ratings.findById(productId).lean<Rating>(),
  ]);
  const shown = own && isLive(own) ? [own] : [];
  return { shown, nextCursor: null, total: shown.length, histogram: counted?.histogram ?? noReviews() };
}
