/** What returns are made of: as stored and sent, and as shown. */
import { z } from "zod";
import { id, line, money, quantity, sku, time } from "../../broker/contract/schemas.ts";

export const returnStatus = z
  .enum(["requested", "approved", "refused", "received", "refunded", "cancelled", "expired"])
  .meta({ id: "ReturnStatus", description: "Where a return is: see the diagram of its states" });
export type ReturnStatus = z.output<typeof returnStatus>;

const name = z.string().meta({ examples: ["Brass lamp"] });
const reason = line(200).meta({ examples: ["It does not match the sofa"] });

/** Units of an order that come back, with what was paid for all of them. */
export const returnedLine = z
  .strictObject({ sku, name, quantity, amount: money })
  .meta({ id: "ReturnedLine", description: "Units that come back, and what was paid for them" });
export type ReturnedLine = z.output<typeof returnedLine>;

const bySku = <T extends { sku: string }>(lines: readonly T[]): boolean =>
  new Set(lines.map((it) => it.sku)).size === lines.length;

/** What a customer wants to return. */
export const returnLines = z
  .array(
    z
      .strictObject({ sku, quantity })
      .meta({ id: "ReturnLine", description: "Units of a SKU that are to go back" }),
  )
  .min(1)
  .max(100)
  .refine(bySku, "a SKU at most once");

/** What staff found in the parcel. */
export const receivedLines = z
  .array(
    z
      .strictObject({
        sku,
        accepted: z
          .int()
          .min(0)
          .max(999)
          .meta({ description: "Units that are taken back and refunded", examples: [1] }),
        restock: z.boolean().default(false).meta({ description: "Whether they can be sold again" }),
      })
      .meta({ id: "ReceivedLine", description: "What is accepted of a line of a return" }),
  )
  .max(100)
  .refine(bySku, "a SKU at most once");

/** What an order says of a return that it has agreed to. */
export const returnRequest = z
  .strictObject({
    orderId: id,
    orderNumber: z.string(),
    customerId: id,
    /** The payment that paid the order. Null where there was nothing to pay. */
    paymentId: id.nullable(),
    currency: money.shape.currency,
    lines: z.array(returnedLine).min(1).max(100),
    reason,
  })
  .meta({ id: "ReturnRequest" });

export const returnReason = reason;

const refundView = z
  .strictObject({
    status: z
      .enum(["pending", "succeeded", "failed"])
      .meta({ id: "ReturnRefundStatus", description: "How the refund of a return stands" }),
    amount: money.meta({
      description: "What goes back; less than was asked for where less was left of the payment",
    }),
    reason: z.string().nullable().meta({ description: "Why staff gave less back than was paid" }),
    failure: z.string().nullable().meta({ description: "Why the provider would not give it back" }),
  })
  .meta({ id: "ReturnRefund", description: "The money of a return" });

export const returnView = z
  .strictObject({
    id,
    orderId: id,
    orderNumber: z.string().meta({ examples: ["261127-7K2QF-M9DXA"] }),
    status: returnStatus,
    reason: z.string().meta({ description: "Why it comes back, as the customer says" }),
    lines: z.array(
      returnedLine
        .extend({
          accepted: z.int().min(0).nullable().meta({
            description: "Units that were taken back; null before they were looked at",
          }),
          restocked: z.boolean().meta({ description: "Whether they are in stock again" }),
        })
        .meta({ id: "ReturnViewLine", description: "A line of a return, and what was accepted of it" }),
    ),
    amount: money.meta({ description: "What was paid for all of it" }),
    refund: refundView.nullable().meta({ description: "Null until something was accepted" }),
    refusal: z.string().nullable().meta({ description: "Why it was refused" }),
    expiresAt: time.nullable().meta({ description: "Of an approved return: until when it can be sent back" }),
    history: z.array(
      z
        .strictObject({ status: returnStatus, at: time })
        .meta({ id: "ReturnStatusChange", description: "A status of a return, and since when" }),
    ),
    createdAt: time,
  })
  .meta({
    id: "Return",
    description: "Goods of a delivered order that go back, and their money",
    examples: [
      {
        id: "01941c10-7a00-7b3a-9f10-3c5d8a7e6b21",
        orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
        orderNumber: "261127-7K2QF-M9DXA",
        status: "received",
        reason: "It does not match the sofa",
        lines: [
          {
            sku: "LAMP-BRASS-1",
            name: "Brass lamp",
            quantity: 2,
            amount: { amount: 9800, currency: "USD" },
            accepted: 1,
            restocked: true,
          },
        ],
        amount: { amount: 9800, currency: "USD" },
        refund: {
          status: "pending",
          amount: { amount: 4900, currency: "USD" },
          reason: null,
          failure: null,
        },
        refusal: null,
        expiresAt: null,
        history: [
          { status: "requested", at: "2026-12-04T09:30:00.000Z" },
          { status: "approved", at: "2026-12-04T11:00:00.000Z" },
          { status: "received", at: "2026-12-09T08:15:00.000Z" },
        ],
        createdAt: "2026-12-04T09:30:00.000Z",
      },
    ],
  });

/** Minor units of a sum of lines. */
export const sumOf = (lines: readonly { amount: { amount: number } }[]): number =>
  lines.reduce((sum, it) => sum + it.amount.amount, 0);
