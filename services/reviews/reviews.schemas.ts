/** What a review is, as written and as shown. */
import { z } from "zod";
import { id, line, time } from "../../broker/contract/schemas.ts";
import { cleanLine } from "../../broker/contract/values/text.ts";
import { shownText } from "./shown-text.ts";

export const stars = z
  .int()
  .min(1)
  .max(5)
  .meta({ description: "Stars, 5 is best", examples: [5] });

export const reviewStatus = z
  .enum(["pending", "published", "rejected"])
  .meta({ id: "ReviewStatus", description: "Whether everybody sees a review; `pending` waits for staff" });
export type ReviewStatus = z.output<typeof reviewStatus>;

const MAX_TEXT = 5_000;

export const reviewContent = {
  rating: stars,
  title: line(120)
    .optional()
    .meta({ examples: ["Bright and quiet"] }),
  text: z
    .string()
    .overwrite(shownText)
    .max(MAX_TEXT)
    .default("")
    .meta({
      description: "Plain text of any script; nothing of it is markup",
      examples: ["It lights my desk."],
    }),
  author: line(40)
    .optional()
    .meta({
      description: "The name to show; made from the account's without it: first name and initial",
      examples: ["Ann E."],
    }),
};

export const reviewInput = z.strictObject(reviewContent).meta({
  id: "ReviewInput",
  description: "A review as its customer writes it",
  examples: [{ rating: 5, title: "Bright and quiet", text: "It lights my desk." }],
});

export const reviewView = z
  .strictObject({
    id,
    productId: id,
    author: z
      .string()
      .nullable()
      .meta({ description: "The shown name; null where the account is gone", examples: ["Ann E."] }),
    rating: stars,
    title: z.string().nullable(),
    text: z.string(),
    verified: z.boolean().meta({ description: "Whether the shop has delivered the product to its author" }),
    status: reviewStatus,
    reason: z
      .string()
      .nullable()
      .meta({ description: "Why staff have rejected it; for its author and staff", examples: [null] }),
    createdAt: time,
    updatedAt: time,
    version: z.int().meta({ description: "Counts up with each change" }),
  })
  .meta({
    id: "Review",
    description: "What a customer thinks of a product",
    examples: [
      {
        id: "01941c10-2f00-7c35-9d58-0a7b3e6f1c24",
        productId: "01941a10-2f00-7c35-9d58-0a7b3e6f1c24",
        author: "Ann E.",
        rating: 5,
        title: "Bright and quiet",
        text: "It lights my desk.",
        verified: true,
        status: "published",
        reason: null,
        createdAt: "2026-11-27T09:30:00.000Z",
        updatedAt: "2026-11-27T09:30:00.000Z",
        version: 1,
      },
    ],
  });
export type ReviewView = z.output<typeof reviewView>;

const count = z
  .int()
  .min(0)
  .meta({ examples: [1] });
/** How many published reviews have 1, 2, … 5 stars. */
export const histogram = z.tuple([count, count, count, count, count]).meta({
  description: "How many published reviews have 1, 2, 3, 4 and 5 stars",
  examples: [[0, 0, 0, 0, 1]],
});
export type Histogram = z.output<typeof histogram>;

export const reviewSort = z
  .enum(["newest", "rating", "-rating"])
  .meta({ id: "ReviewSort", description: "What comes first: the newest, the best or the worst" });

export const rejectionReason = z
  .string()
  .overwrite(cleanLine)
  .max(200)
  .meta({ description: "Why it is rejected, for its author", examples: ["It is about another product"] });
