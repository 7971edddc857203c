import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  reply,
  timer,
} from "../../broker/contract/contract.ts";
import { cursor, id, limit, line, minorUnits, money, page, time } from "../../broker/contract/schemas.ts";
import { severalOf } from "../../broker/contract/values/several.ts";
import { returnsConfig } from "./returns.config.ts";
import { returnsErrors } from "./returns.errors.ts";
import {
  receivedLines,
  returnedLine,
  returnLines,
  returnReason,
  returnRequest,
  returnStatus,
  returnView,
} from "./returns.schemas.ts";

export {
  type ReturnStatus,
  returnLines,
  returnReason,
  returnRequest,
  returnStatus,
} from "./returns.schemas.ts";

const by = id.meta({ description: "Who has done it" });
const returnId = id.meta({ description: "Id of the return" });
/** Header of the routes that a guest uses. */
const tokenHeader = {
  "X-Order-Token": z.string().meta({
    description: "Of a guest's order, instead of an access token",
    examples: ["mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT4bR8mJ1pL6yD3cF"],
  }),
};

/** What each event of a return tells. */
const about = {
  returnId,
  number: z.string().meta({ description: "Number of the order", examples: ["261127-7K2QF-M9DXA"] }),
  customerId: id,
  lines: z.array(returnedLine),
  amount: money.meta({ description: "What was paid for these units" }),
};
const told = z.strictObject(about).meta({ id: "ReturnNews", description: "A return, as events tell of it" });
const accepted = z
  .strictObject({ ...about, refund: money.meta({ description: "What goes back" }) })
  .meta({ id: "ReturnAccepted", description: "What was accepted of a return, and its money" });

const messages = {
  "return.request": command("return", "Open a return that its order has agreed to", returnRequest),
  "return.approve": command("return", "The goods may be sent back", z.strictObject({ by, expiresAt: time })),
  "return.refuse": command(
    "return",
    "The goods are not taken back",
    z.strictObject({ by, reason: returnReason }),
  ),
  "return.cancel": command("return", "The customer keeps the goods", z.strictObject({ by })),
  "return.receive": command(
    "return",
    "Note what has arrived, and give its money back",
    z.strictObject({
      by,
      lines: receivedLines,
      /** Less than what was paid for the accepted units. Null: all of it. */
      refund: minorUnits.nullable(),
      reason: returnReason.nullable(),
    }),
  ),
  "return.retry_refund": command("return", "Try a refund that has failed again", z.strictObject({ by })),
  "return.expire": timer("return", "The time to send it back is over", z.strictObject({})),
  "return.refund_settled": reply(
    "return",
    "How its refund has ended",
    z.strictObject({
      refundId: z.uuid(),
      amount: minorUnits,
      /** Null where the money went back. */
      failure: z.string().max(500).nullable(),
    }),
  ),
  "return.requested": event(
    "order",
    "A customer wants to return goods",
    told.extend({ reason: returnReason }),
  ),
  "return.approved": event(
    "order",
    "The goods may be sent back",
    told.extend({ expiresAt: time.meta({ description: "Until when" }) }),
  ),
  "return.refused": event(
    "order",
    "The goods are not taken back",
    told.extend({ reason: z.string().meta({ examples: ["The lamp was used"] }) }),
  ),
  "return.received": event("order", "The goods have arrived; `lines` are those that were accepted", accepted),
  "return.refunded": event("order", "The money of a return was given back", accepted),
  "return.cancelled": event("order", "The customer keeps the goods", told),
  "return.expired": event("order", "The goods were not sent back in time", told),
};

export const returns = defineContract({
  service: "returns",
  config: returnsConfig,
  errors: returnsErrors,
  description: "Goods of delivered orders that go back: asked for, received, restocked, refunded.",
  actions: {
    request: action({
      summary: "Ask to return goods of an order",
      description:
        "Of a delivered order, within the time that the shop gives. Units that are in another return can't be in this " +
        "one. Staff may ask for their customers, also later.",
      operationId: "requestReturn",
      headers: { request: tokenHeader },
      rest: "POST /orders/:id/returns",
      auth: "public",
      knowsCaller: true,
      widerScope: "returns:write",
      status: 201,
      idempotent: "required",
      params: z.strictObject({
        id: id.meta({ description: "Id of the order" }),
        lines: returnLines,
        reason: returnReason,
      }),
      returns: returnView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND", "ORDER_NOT_RETURNABLE", "RETURN_EXCEEDS_ORDER"],
    }),
    get: action({
      summary: "One return of the caller",
      operationId: "getReturn",
      headers: { request: tokenHeader },
      rest: "GET /returns/:id",
      auth: "public",
      knowsCaller: true,
      widerScope: "returns:read",
      params: z.strictObject({ id: returnId }),
      returns: returnView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND"],
    }),
    cancel: action({
      summary: "Cancel a return",
      description: "Before the goods have arrived.",
      operationId: "cancelReturn",
      headers: { request: tokenHeader },
      rest: "POST /returns/:id/cancel",
      auth: "public",
      knowsCaller: true,
      widerScope: "returns:write",
      repeatable: "a cancelled return is not cancelled again",
      params: z.strictObject({ id: returnId }),
      returns: returnView,
      errors: ["UNAUTHENTICATED", "NOT_FOUND", "RETURN_TRANSITION"],
    }),
    list: action({
      summary: "All returns, newest first",
      operationId: "listReturns",
      rest: "GET /returns",
      auth: "staff",
      scope: "returns:read",
      params: z.strictObject({
        status: severalOf(returnStatus)
          .optional()
          .meta({ description: "Only those that are in one of them" }),
        limit,
        cursor,
      }),
      returns: page(returnView),
    }),
    update: action({
      summary: "Decide about a return",
      description:
        "`approved` and `refused` (with a `reason`) from `requested`; `received` from `approved`, with what is accepted " +
        "of each line: lines that are left out are not. What was paid for the accepted units is given back, or less " +
        "with `refund` and a `reason`. Where nothing is accepted, the return is `refused`. `refunded` tries a refund " +
        "again that its provider has refused. The same again changes nothing.",
      operationId: "updateReturn",
      rest: "PATCH /returns/:id",
      auth: "staff",
      scope: "returns:write",
      params: z
        .strictObject({
          id: returnId,
          status: z
            .enum(["approved", "refused", "received", "refunded"])
            .meta({ id: "ReturnDecision", description: "What staff decide about a return" }),
          reason: line(200)
            .meta({
              description: "Why it is refused, or less is given back. The customer sees it",
              examples: ["The lamp was used"],
            })
            .optional(),
          lines: receivedLines.optional().meta({ description: "What is accepted; with `received`" }),
          refund: money.optional().meta({
            description: "What is given back, where it is less than what was paid; with `received`",
          }),
        })
        .refine((it) => it.status === "received" || (it.lines === undefined && it.refund === undefined), {
          path: ["lines"],
          message: "lines and refund are only for received",
        })
        .refine((it) => it.status !== "received" || it.lines !== undefined, {
          path: ["lines"],
          message: "say what is accepted",
        })
        .refine((it) => it.status !== "refused" || it.reason !== undefined, {
          path: ["reason"],
          message: "say why it is refused",
        })
        .meta({
          examples: [
            {
              status: "received",
              lines: [{ sku: "LAMP-BRASS-1", accepted: 1, restock: true }],
            },
          ],
        }),
      returns: returnView,
      errors: ["NOT_FOUND", "RETURN_TRANSITION", "RETURN_RECEIPT", "RETURN_AMOUNT"],
    }),
  },
  messages,
  actors: {
    return: {
      collection: "returns",
      receives: ["return.request", "return.refund_settled"],
      inline: ["return.approve", "return.refuse", "return.cancel", "return.receive", "return.retry_refund"],
    },
  },
  workers: { followRefund: { receives: ["payment.refunded", "payment.refund_failed"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof returns> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
