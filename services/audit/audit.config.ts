/** Variables of the audit log. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration } from "../../broker/contract/variables.ts";

export const auditLevel = z
  .enum(["off", "events", "all"])
  .default("all")
  .describe(
    "What the audit log keeps: all messages, events only (cheaper, and no order can be rebuilt from it), or nothing; the same on all nodes",
  );

export const auditConfig = defineConfig({
  AUDIT: auditLevel,
  AUDIT_KEPT: duration(400 * 86_400_000)
    .refine((it) => it >= 86_400_000, "must be at least 1d")
    .describe("How long whole days of the audit log are kept"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof auditConfig> {}
}
