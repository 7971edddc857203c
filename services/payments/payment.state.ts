/** What a payment remembers, and small questions about it. */
import { z } from "zod";
import { envelopeSchema } from "../../broker/bus/envelope.ts";
import { id, type Money, minorUnits, money, time } from "../../broker/schemas.ts";
import { nextAction, provider } from "../orders/orders.contract.ts";
import { paymentStatus } from "./payments.contract.ts";

const refund = z.strictObject({
  id: z.uuid(),
  amount: minorUnits,
  reason: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  at: time,
});
export type Refund = z.output<typeof refund>;

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
    /** What the order asks for; the only amount that is ever taken as paid. */
    amount: money,
    /** Known once the provider has opened the payment, or reported on it. */
    providerRef: z.string().nullable(),
    nextAction,
    /** Taken so far: nothing, or the whole amount. Minor units, as all below. */
    captured: minorUnits,
    receipt: z.string().nullable(),
    failure: z.string().nullable(),
    refunds: z.array(refund),
    createdAt: time,
  })
  .refine((it) => it.captured === 0 || it.captured === it.amount.amount, "captured another amount than asked")
  .refine((it) => spoken(it) <= it.captured, "refunds exceed the capture");
export type Payment = z.output<typeof payment>;

export const paymentState = z.union([early, payment]);
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

export const inCurrencyOf = (it: Payment, amount: number): Money => ({
  amount,
  currency: it.amount.currency,
});
