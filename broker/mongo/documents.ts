/** What group reads, group writes and the actor runtime use of a collection. */
import type { Document } from "mongodb";
import type { Collection, Model } from "mongoose";

/** The driver's collection has this part; so have mongoose's, and a simulated one in tests. */
export interface Documents<T> {
  find(
    filter: Document,
    options?: { projection?: Document; batchSize?: number },
  ): AsyncIterable<T> & { toArray(): Promise<T[]> };
  bulkWrite(
    operations: readonly object[],
    options?: { ordered?: boolean; ignoreUndefined?: boolean },
  ): Promise<{ matchedCount: number }>;
}

/** The collection of a model, typed by the model: neither schema nor casting of mongoose is between. */
export const collectionOf = <T extends object>(model: Model<T>): Collection<T> =>
  model.db.collection<T>(model.collection.name);
