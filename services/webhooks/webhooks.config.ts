/** Variables of outgoing webhooks. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration, whole } from "../../broker/contract/variables.ts";

const DAY = 86_400_000;

export const webhooksConfig = defineConfig({
  WEBHOOKS_ALLOW_PRIVATE: z
    .stringbool()
    .default(false)
    .describe(
      "Permit webhooks to private addresses and plain HTTP, for development and tests; not in production",
    ),
  WEBHOOKS_MAX_ENDPOINTS: whole(1, 1_000).default(50).describe("Maximum number of webhook endpoints"),
  WEBHOOKS_CONCURRENCY: whole(1, 100)
    .default(8)
    .describe("Maximum number of concurrent requests to one webhook endpoint"),
  WEBHOOKS_TIMEOUT: duration(15_000)
    .refine((it) => it <= 25_000, "must be at most 25s")
    .describe("How long a webhook endpoint may take to answer, at most 25s"),
  WEBHOOKS_RETRY_FIRST: duration(5_000).describe(
    "Pause before a failed webhook is sent again; further pauses are four times as long each, 12h at most",
  ),
  WEBHOOKS_RETRY_FOR: duration(3 * DAY).describe("How long a webhook is sent again until it is given up"),
  WEBHOOKS_DISABLE_AFTER: duration(5 * DAY).describe(
    "A webhook endpoint that has failed for this time is disabled",
  ),
  WEBHOOKS_RETENTION: duration(30 * DAY).describe("How long deliveries of webhooks are kept"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof webhooksConfig> {}
}
