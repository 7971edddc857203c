/** Rewrites stored products page by page, for migrations. */
import { type Connection, trusted } from "mongoose";
import { collectionOf, type Documents } from "../../../broker/mongo/documents.ts";
import { type Product, productModel } from "../models/product.model.ts";

const PAGE = 500;

/**
 * Updates all products that match, again and again until a pass finds none: others may write meanwhile.
 * @param renew called before each page
 * @param updatesOf the update of each product of a page, in their order
 */
export async function rewriteProducts(
  db: Connection,
  renew: () => Promise<void>,
  filter: object,
  updatesOf: (page: Product[]) => Promise<object[]>,
): Promise<void> {
  const model = productModel.bind(db);
  const documents: Documents<Product> = collectionOf(model);
  for (let after = ""; ; ) {
    await renew();
    const page = await model
      .find({ ...filter, _id: trusted({ $gt: after }) })
      .sort({ _id: 1 })
      .limit(PAGE)
      .hint("_id_")
      .lean<Product[]>();
    const last = page.at(-1);
    if (!last && after === "") return;
    const updates = await updatesOf(page);
    const operations = page.map(({ _id, writes }, at) => ({
      updateOne: { filter: { _id, writes }, update: { ...updates[at], $inc: { writes: 1 } } },
    }));
    if (operations.length > 0) await documents.bulkWrite(operations, { ordered: false });
    after = last?._id ?? "";
  }
}
