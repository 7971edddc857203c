/** Variables of the audit log. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration } from "../../broker/contract/variables.ts";

const auditLevel = z
  .enum(["off", "events", "all"])
  .optional()
  .describe(
    "What the audit log keeps: `all` messages, `events` only, or nothing (`off`); the same on all nodes. Unless set: events with RabbitMQ, where all messages cost a tenth of the checkouts, else all. Orders can be rebuilt from all messages only",
  );

/** What it keeps, by the variables of the node. */
export const auditLevelOf = (variables: Readonly<NodeJS.ProcessEnv>): "off" | "events" | "all" => {
  const { AUDIT, AMQP_URL, AMQP_URL_FILE } = variables;
  return auditLevel.parse(AUDIT || undefined) ?? (AMQP_URL || AMQP_URL_FILE ? "events" : "all");
};

export const auditConfig = defineConfig({
  AUDIT: auditLevel,
  AUDIT_KEPT: duration(400 * 86_400_000)
    .refine((it) => it >= 86_400_000, "must be at least 1d")
    .describe("How long whole days of the audit log are kept"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof auditConfig> {}
}
