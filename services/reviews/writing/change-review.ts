/**
 * Each change of a review is one conditional update of its document, together with the events that tell of it.
 */
import type { Model } from "mongoose";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { isLive, type LiveReview, type Review } from "../review.model.ts";

export interface ReviewTools {
  reviews: Model<Review>;
  outbox: Outbox;
  clock: Clock;
}

type EventType = Extract<MessageType, `review.${string}`>;
/** An event of a review. Its subject is the review's id. */
export type ReviewEvent = { [T in EventType]: readonly [type: T, data: DataIn<T>] }[EventType];

export const told = <T extends EventType>(type: T, data: DataIn<T>): ReviewEvent =>
  [type, data] as ReviewEvent;

export interface Change {
  set: Partial<Review>;
  unset?: readonly ("slot" | "customerId")[];
  tell: readonly ReviewEvent[];
}

/** What each event of a review tells. */
export const about = ({
  productId,
  customerId,
  rating,
}: Pick<Review, "productId" | "customerId" | "rating">) => ({
  productId,
  customerId,
  rating,
});

export const entryOf = ({ outbox }: Pick<ReviewTools, "outbox">, id: string, [type, data]: ReviewEvent) =>
  outbox.entry(type, id, data);

/**
 * @param ifMatch the version that the change was made for
 * @param decide null where nothing changes; throws where the caller may not
 * @throws {SoukError} NOT_FOUND, VERSION_MISMATCH
 */
export async function changeReview(
  tools: ReviewTools,
  id: string,
  ifMatch: number | undefined,
  decide: (before: LiveReview) => Change | null,
): Promise<Review> {
  for (;;) {
    const before = await tools.reviews.findById(id).lean<Review>();
    if (!before || !isLive(before)) throw new SoukError("NOT_FOUND");
    const change = decide(before);
    if (ifMatch !== undefined && ifMatch !== before.version) throw new SoukError("VERSION_MISMATCH");
    if (!change) return before;
    const entries = change.tell.map((it) => entryOf(tools, id, it));
    const after = await tools.reviews
      .findOneAndUpdate(
        { _id: id, version: before.version },
        {
          $set: { ...change.set, version: before.version + 1 },
          ...(change.unset && { $unset: Object.fromEntries(change.unset.map((it) => [it, ""])) }),
          $push: { outbox: { $each: entries } },
        },
        { returnDocument: "after" },
      )
      .lean<Review>();
    if (!after) continue;
    tools.outbox.relay(id, entries);
    return after;
  }
}
