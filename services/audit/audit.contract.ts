import { z } from "zod";
import { type ActionsOf, action, defineContract } from "../../broker/contract/contract.ts";
import { envelopeSchema } from "../../broker/contract/envelope.ts";
import { time } from "../../broker/contract/schemas.ts";
import { auditConfig, auditLevel } from "./audit.config.ts";

/** Where a message stands in the log: its block, and its place in it. */
const position = z
  .string()
  .max(20)
  .regex(/^\d{1,12}\.\d{1,4}$/, "must be a position that audit.read gave");

const recorded = z.strictObject({
  position,
  recordedAt: time,
  applied: z
    .boolean()
    .describe("An actor has applied it, and nobody has sent it: an action's message, or a timer"),
  message: envelopeSchema,
  erased: z.boolean().describe("Its data was personal and is erased. `message.data` is null then"),
});

export const audit = defineContract({
  service: "audit",
  description: "Every message of the shop, kept in order and safe from changes.",
  config: auditConfig,
  actions: {
    read: action({
      summary: "Messages in the order of the log, for services that rebuild what they derive from messages",
      description:
        "Begins at the start of what is kept, or after a position. Call it again with `next` until `more` is false.",
      readOnly: true,
      params: z.strictObject({
        after: position.nullable().default(null),
        types: z.array(z.string().max(200)).min(1).max(50).optional(),
        limit: z.int().min(1).max(1_000).default(500),
      }),
      returns: z.strictObject({ messages: z.array(recorded), next: position.nullable(), more: z.boolean() }),
    }),
  },
  messages: {},
  taps: { log: { receives: ({ AUDIT }) => auditLevel.parse(AUDIT || undefined) } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof audit> {}
}
