/** The state of a payment, and small questions about it. */
import { z } from "zod";
import { envelopeSchema } from "../../../broker/contract/envelope.ts";
import { id, type Money, minorUnits, money, time } from "../../../broker/contract/schemas.ts";
import { nextAction, paymentChoice, provider } from "../../orders/orders.contract.ts";
import {
  customerEmail,
  foundBy,
  openingTrouble,
  paymentStatus,
  refundOrigin,
  reportedStatus,
} from "../payments.contract.ts";

const refund = z.strictObject({
  id: z.uuid(),
  amount: minorUnits,
  reason: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  at: time,
  origin: refundOrigin.default("shop"),
  /** The provider's id, once known. */
  refundRef: z.string().nullable().default(null),
});
export type Refund = z.output<typeof refund>;

/** A second capture of the same payment. It is refunded automatically. */
const duplicateCapture = z.strictObject({
  receipt: z.string(),
  amount: minorUnits,
  refundId: z.uuid(),
  status: z.enum(["pending", "succeeded", "failed"]),
});
export type DuplicateCapture = z.output<typeof duplicateCapture>;

interface Refunds {
  refunds: readonly Refund[];
}

/** Messages that came before `payment.request`. Their meaning is decided when the amount is known. */
const early = z.strictObject({
  status: z.literal("early"),
  kept: z.array(envelopeSchema),
  /** Whether the reports among them became anomalies. */
  reported: z.boolean(),
});
export type Early = z.output<typeof early>;

const payment = z
  .strictObject({
    status: paymentStatus,
    orderId: id,
    orderNumber: z.string(),
    customerId: id,
    /** Only until it is open at the provider, or can't be opened any more. */
    email: customerEmail.optional(),
    provider,
    options: paymentChoice.shape.options.default({}),
    /** What staff find it by, as its provider compares it. Indexed. */
    foundBy: foundBy.optional(),
    returnUrl: paymentChoice.shape.returnUrl,
    /** The order's amount. Only this amount counts as paid. */
    amount: money,
    /** When the order stops waiting. Null for payments from before this was stored. */
    expiresAt: time.nullable().default(null),
    /** Known once the provider has opened the payment, or reported on it. */
    providerRef: z.string().nullable(),
    nextAction,
    /** Why it is not open yet, after a try. */
    opening: z
      .strictObject({ trouble: openingTrouble, reason: z.string(), failures: z.int().min(1), at: time })
      .nullable()
      .default(null),
    /** The most advanced status that the provider has reported, in any order. */
    atProvider: reportedStatus.nullable().default(null),
    /** How often the provider was asked since something was last expected. */
    checks: z.int().min(0).default(0),
    /** While the bank works on it: until when that may take. Kept after a cancel, because money may still come. */
    processingUntil: time.nullable().default(null),
    /** How often the provider has said that the customer has paid and the bank is slow. */
    rounds: z.int().min(0).default(0),
    /** The time to ask is over, whatever the provider reported last. */
    givenUp: z.boolean().default(false),
    /** Captured so far: nothing, or the whole amount. Minor units, as all below. */
    captured: minorUnits,
    /** What the provider has added for itself and the customer has paid on top. */
    fee: minorUnits.default(0),
    receipt: z.string().nullable(),
    failure: z.string().nullable(),
    refunds: z.array(refund),
    duplicateCaptures: z.array(duplicateCapture).default([]).meta({ "x-formerly": "surpluses" }),
    disputed: z.boolean().default(false),
    /** Ids of the reported anomalies, because providers repeat themselves. */
    anomalies: z.array(z.uuid()).default([]).meta({ "x-formerly": "told" }),
    createdAt: time,
  })
  .refine((it) => it.captured === 0 || it.captured === it.amount.amount, "captured another amount than asked")
  .refine((it) => refundedOrPending(it) <= it.captured, "refunds exceed the capture");
export type Payment = z.output<typeof payment>;

export const paymentState = z.discriminatedUnion("status", [early, payment]);
export type PaymentState = z.output<typeof paymentState>;

const sum = (refunds: readonly Refund[]): number => refunds.reduce((total, it) => total + it.amount, 0);

/** Finally refunded. */
export const refunded = (it: Refunds): number => sum(it.refunds.filter((one) => one.status === "succeeded"));

/** Refunded, or pending. */
function refundedOrPending(it: Refunds): number {
  return sum(it.refunds.filter((one) => one.status !== "failed"));
}

/** What may still be refunded. */
export const refundable = (it: Payment): number => it.captured - refundedOrPending(it);

/** Refunds that the provider has not decided yet. */
export const openRefunds = (it: Payment): number =>
  [...it.refunds, ...it.duplicateCaptures].filter((one) => one.status === "pending").length;

/** Nobody needs the customer's address any more once the provider was asked for good. */
export function withoutEmail(it: PaymentState | null): PaymentState | null {
  if (it === null || it.status === "early" || it.status === "requested" || it.email === undefined) return it;
  const { email: _, ...rest } = it;
  return rest;
}

export const inCurrencyOf = (it: Payment, amount: number): Money => ({
  amount,
  currency: it.amount.currency,
});

type Reported = z.output<typeof reportedStatus>;

/**
 * Progress of a provider's status. A report with less progress came late. From 2 on, nothing more follows by itself.
 */
const PROGRESS: Record<Reported, number> = {
  pending: 0,
  processing: 1,
  failed: 1,
  authorized: 1,
  cancelled: 2,
  expired: 2,
  captured: 3,
  partially_refunded: 4,
  refunded: 5,
  disputed: 5,
};

/** Records the provider's status, unless it has reported a later one. */
export function withStatusAtProvider(it: Payment, status: Reported): Payment {
  if (it.atProvider === status) return it;
  if (it.atProvider !== null && PROGRESS[status] < PROGRESS[it.atProvider]) return it;
  return { ...it, atProvider: status };
}

/** Whether the provider has reported that it is paid, or can't be paid any more. */
export const isFinalAtProvider = ({ atProvider }: Payment): boolean =>
  atProvider !== null && PROGRESS[atProvider] >= 2;

/** Whether the provider may still have news that no webhook has brought. */
export const isWatched = (it: Payment): boolean =>
  it.providerRef !== null && (openRefunds(it) > 0 || (!it.givenUp && !isFinalAtProvider(it)));
