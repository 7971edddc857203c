/** Counts the ratings of all products anew, from the reviews. It may run beside the shop. */
import { type Connection, type Model, trusted } from "mongoose";
import { type Product, productModel } from "../../services/products/models/product.model.ts";
import { ratingOf, recordRating } from "../../services/products/rating/record-rating.ts";
import { countRatings, type RatingModels } from "../../services/reviews/count-ratings.ts";
import { ratingModel } from "../../services/reviews/rating.model.ts";
import { type Review, reviewModel } from "../../services/reviews/review.model.ts";

export interface Rebuilt {
  looked: number;
  changed: number;
}

/** @param report is told how many products were counted so far */
export async function rebuildRatings(
  databases: { reviews: Connection; products: Connection },
  report: (done: number, total: number) => void = () => undefined,
): Promise<Rebuilt> {
  const reviews = reviewModel.bind(databases.reviews);
  const models = { reviews, ratings: ratingModel.bind(databases.reviews) };
  const products = productModel.bind(databases.products);
  const rebuilt: Rebuilt = { looked: 0, changed: 0 };
  const ids = new Set<string>();
  for await (const id of reviewedProducts(reviews)) ids.add(id);
  for await (const { _id } of products.find({ "rating.count": trusted({ $gt: 0 }) }, { _id: 1 }).lean())
    ids.add(_id);
  for (const id of ids) {
    if (await rebuildOne(models, products, id)) rebuilt.changed++;
    report(++rebuilt.looked, ids.size);
  }
  return rebuilt;
}

/** The products that have reviews, by one look into the index for each. */
async function* reviewedProducts(reviews: Model<Review>): AsyncGenerator<string> {
  for (let after = ""; ; ) {
    const [next] = await reviews
      .find({ productId: trusted({ $gt: after }) }, { productId: 1 })
      .sort({ productId: 1 })
      .limit(1)
      .lean<Review[]>();
    if (!next) return;
    yield next.productId;
    after = next.productId;
  }
}

async function rebuildOne(models: RatingModels, products: Model<Product>, id: string): Promise<boolean> {
  const counted = await countRatings(models, id);
  const product = await products.findById(id, { rating: 1 }).lean<Pick<Product, "rating">>();
  if (!product) return false;
  const wanted = ratingOf(counted);
  const { average, count, revision = 0 } = product.rating;
  if (average === wanted.average && count === wanted.count) return false;
  // Of a restored database, a product may know of later counts than there are.
  const next = Math.max(counted.revision, revision + 1);
  const { matchedCount } = await models.ratings.updateOne(
    { _id: id, revision: counted.revision },
    { $set: { revision: next } },
  );
  // Another count was stored meanwhile, and its message changes the product.
  return matchedCount === 1 && recordRating(products, id, { histogram: counted.histogram, revision: next });
}
