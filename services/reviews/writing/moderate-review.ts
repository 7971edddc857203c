/** Staff publish a review or reject it. */
import type { Review } from "../review.model.ts";
import { about, changeReview, type ReviewTools, told } from "./change-review.ts";

/** @throws {SoukError} NOT_FOUND, VERSION_MISMATCH */
export function moderateReview(
  tools: ReviewTools,
  id: string,
  ifMatch: number | undefined,
  { status, reason }: { status: "published" | "rejected"; reason: string | null },
): Promise<Review> {
  return changeReview(tools, id, ifMatch, (before) => {
    if (status === "published") {
      if (before.status === "published") return null;
      return { set: { status, reason: null }, tell: [told("review.published", about(before))] };
    }
    if (before.status === "rejected" && before.reason === reason) return null;
    return { set: { status, reason }, tell: [told("review.rejected", { ...about(before), reason })] };
  });
}
