/** What a payment remembers, and small questions about it. */
import { z } from "zod";
import { envelopeSchema } from "../../../broker/contract/envelope.ts";
import { id, type Money, minorUnits, money, time } from "../../../broker/contract/schemas.ts";
import { nextAction, paymentChoice, provider } from "../../orders/orders.contract.ts";
import { openingTrouble, paymentStatus, refundOrigin, reportedStatus } from "../payments.contract.ts";

const refund = z.strictObject({
  id: z.uuid(),
  amount: minorUnits,
  reason: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  at: time,
  origin: refundOrigin.default("shop"),
  /** The provider's id, once it has told it. */
  refundRef: z.string().nullable().default(null),
});
export type Refund = z.output<typeof refund>;

/** Money that the provider took beside the capture: a second one. It goes back by itself. */
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

/** Messages that came before `payment.request`: what they mean is decided when the amount is known. */
const early = z.strictObject({
  status: z.literal("early"),
  kept: z.array(envelopeSchema),
  /** The reports among them were told as anomalies. */
  reported: z.boolean(),
});
export type Early = z.output<typeof early>;

const payment = z
  .strictObject({
    status: paymentStatus,
    orderId: id,
    orderNumber: z.string(),
    customerId: id,
    provider,
    options: paymentChoice.shape.options.default({}),
    /** What the order asks for; the only amount that is ever taken as paid. */
    amount: money,
    /** When the order gives up waiting; null for payments of before this was kept. */
    expiresAt: time.nullable().default(null),
    /** Known once the provider has opened the payment, or reported on it. */
    providerRef: z.string().nullable(),
    nextAction,
    /** Why it is not open yet, where that was tried. */
    opening: z
      .strictObject({ trouble: openingTrouble, reason: z.string(), failures: z.int().min(1), at: time })
      .nullable()
      .default(null),
    /** The provider's last word, of what it has said in whatever order. */
    atProvider: reportedStatus.nullable().default(null),
    /** How often the provider was asked since there was last something to wait for. */
    checks: z.int().min(0).default(0),
    /** The time to ask is over, whatever the provider says last. */
    givenUp: z.boolean().default(false),
    /** Taken so far: nothing, or the whole amount. Minor units, as all below. */
    captured: minorUnits,
    receipt: z.string().nullable(),
    failure: z.string().nullable(),
    refunds: z.array(refund),
    duplicateCaptures: z.array(duplicateCapture).default([]).meta({ "x-formerly": "surpluses" }),
    disputed: z.boolean().default(false),
    /** Ids of the anomalies that were told: providers repeat themselves. */
    told: z.array(z.uuid()).default([]),
    createdAt: time,
  })
  .refine((it) => it.captured === 0 || it.captured === it.amount.amount, "captured another amount than asked")
  .refine((it) => spoken(it) <= it.captured, "refunds exceed the capture");
export type Payment = z.output<typeof payment>;

export const paymentState = z.discriminatedUnion("status", [early, payment]);
export type PaymentState = z.output<typeof paymentState>;

const sum = (refunds: readonly Refund[]): number => refunds.reduce((total, it) => total + it.amount, 0);

/** Given back for good. */
export const refunded = (it: Refunds): number => sum(it.refunds.filter((one) => one.status === "succeeded"));

/** Given back or on its way. */
function spoken(it: Refunds): number {
  return sum(it.refunds.filter((one) => one.status !== "failed"));
}

/** What may still be refunded. */
export const refundable = (it: Payment): number => it.captured - spoken(it);

/** Refunds that the provider has not decided yet. */
export const openRefunds = (it: Payment): number =>
  [...it.refunds, ...it.duplicateCaptures].filter((one) => one.status === "pending").length;

export const inCurrencyOf = (it: Payment, amount: number): Money => ({
  amount,
  currency: it.amount.currency,
});

type Reported = z.output<typeof reportedStatus>;

/** How far a provider's status is on its way: one that is less far came late. From 2 on nothing follows by itself. */
const PROGRESS: Record<Reported, number> = {
  pending: 0,
  failed: 1,
  authorized: 1,
  cancelled: 2,
  expired: 2,
  captured: 3,
  partially_refunded: 4,
  refunded: 5,
  disputed: 5,
};

/** Notes what the provider says, unless it has said something later already. */
export function heard(it: Payment, status: Reported): Payment {
  if (it.atProvider === status) return it;
  if (it.atProvider !== null && PROGRESS[status] < PROGRESS[it.atProvider]) return it;
  return { ...it, atProvider: status };
}

/** The provider has said that it is paid, or can't be paid any more. */
export const isOver = ({ atProvider }: Payment): boolean => atProvider !== null && PROGRESS[atProvider] >= 2;

/** The provider may still have news that no webhook has brought. */
export const isWatched = (it: Payment): boolean =>
  it.providerRef !== null && (openRefunds(it) > 0 || (!it.givenUp && !isOver(it)));
