import { z } from "zod";
import { type ActionsOf, action, defineContract } from "../../broker/contract/contract.ts";
import { envelopeSchema } from "../../broker/contract/envelope.ts";
import { cursor, id, limit, line, page, time } from "../../broker/contract/schemas.ts";
import { auditConfig, auditLevelOf } from "./audit.config.ts";
import { auditEntry, timelineEntry } from "./audit.schemas.ts";

/** Where a message stands in the log: its block, and its place in it. */
const position = z
  .string()
  .max(20)
  .regex(/^\d{1,12}\.\d{1,4}$/, "must be a position that audit.read gave");

/** A name or an id that somebody searches for. */
const word = line(200);

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
    list: action({
      summary: "The log of all messages, newest first",
      description:
        "With `AUDIT=events` it has events only. A page may be short where filters find little together; `nextCursor` " +
        "goes on. Data of erased persons is gone.",
      operationId: "listAuditEntries",
      rest: "GET /audit",
      auth: "staff",
      scope: "audit:read",
      params: z.strictObject({
        type: word.optional().meta({ description: "Only messages of this type", examples: ["order.paid"] }),
        subject: word.optional().meta({ description: "Only messages about what has this id" }),
        actor: id.optional().meta({ description: "Only what this member of staff, or this key, has done" }),
        correlationId: word.optional().meta({ description: "Only what one request has caused" }),
        from: time.optional().meta({ description: "Only what was recorded from then on" }),
        to: time.optional().meta({ description: "Only what was recorded before" }),
        cursor,
        limit,
      }),
      returns: page(auditEntry),
    }),
    timeline: action({
      summary: "The messages of an order, as a tree of causes",
      description:
        "Each entry comes before those that it has caused; `depth` says below which one it stands. What is missing is " +
        "told: a cause that is not in the log, numbers of a sender that are not. At most 2,000 messages.",
      operationId: "getOrderTimeline",
      rest: "GET /orders/:id/timeline",
      auth: "staff",
      scope: "orders:read",
      params: z.strictObject({ id: id.meta({ description: "Id of the order" }), cursor, limit }),
      returns: z
        .strictObject({
          items: z.array(timelineEntry),
          nextCursor: z.string().nullable().meta({ description: "For the next page; null on the last one" }),
          cut: z
            .boolean()
            .meta({ description: "The order has more messages than are shown", examples: [false] }),
        })
        .meta({ id: "OrderTimeline", description: "A page of an order's messages" }),
      errors: ["NOT_FOUND"],
    }),
  },
  messages: {},
  taps: { log: { receives: auditLevelOf } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof audit> {}
}
