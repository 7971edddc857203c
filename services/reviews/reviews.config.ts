/** Variables of reviews. */
import { z } from "zod";
import { type ConfigOf, defineConfig, whole } from "../../broker/contract/variables.ts";

export const reviewsConfig = defineConfig({
  REVIEWS_MODERATION: z
    .enum(["before", "after"])
    .default("before")
    .describe(
      "before shows a review once staff have published it; after shows it at once, and staff may reject it later",
    ),
  REVIEWS_PER_HOUR: whole(1, 10_000)
    .default(10)
    .describe("How many reviews one customer may write or change in an hour"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof reviewsConfig> {}
}
