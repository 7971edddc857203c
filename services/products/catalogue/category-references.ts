/**
 * Protects a category that is about to be used from removal. Product and category are two documents, so "is it in
 * use?" and "remove it" can't be one write. A writer first claims the categories, in the categories themselves, and
 * releases them after its write. A removal is conditional on `uses`, which every claim increases. So it sees the
 * claim or the reference, or it fails because a claim came in between.
 */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Category } from "../models/category.model.ts";

/** After a crash of its writer, a claim expires after this time. No writer takes that long. */
export const CLAIM_MS = 30_000;

/**
 * Runs `work` while none of the categories can be removed.
 * @param missing the failure for a category that does not exist
 */
export async function withCategories<T>(
  { categories, clock }: { categories: Model<Category>; clock: Clock },
  ids: readonly string[],
  missing: (id: string) => SoukError,
  work: (found: Category[]) => Promise<T>,
): Promise<T> {
  if (ids.length === 0) return work([]);
  const these = { _id: trusted({ $in: [...ids] }) };
  const claim = `claims.${newId()}`;
  await categories.updateMany(these, {
    $inc: { uses: 1 },
    $set: { [claim]: new Date(clock.now() + CLAIM_MS) },
  });
  try {
    const found = await categories.find(these).lean<Category[]>();
    const unknown = ids.find((id) => !found.some((it) => it._id === id));
    if (unknown) throw missing(unknown);
    return await work(found);
  } finally {
    await categories.updateMany(these, { $unset: { [claim]: 1 } });
  }
}

export const isClaimed = ({ claims }: Pick<Category, "claims">, now: number): boolean =>
  Object.values(claims).some((until) => until.getTime() > now);

export const unknownCategory = (id: string): SoukError =>
  new SoukError("VALIDATION_FAILED", `categoryIds: there is no category ${id}`, {
    errors: [{ field: "categoryIds", message: `there is no category ${id}` }],
  });
