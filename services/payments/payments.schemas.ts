/** What the payments' contract sends and returns. Other files import from the contract. */

import { z } from "zod";
import { currency, date, id, minorUnits, money, time } from "../../broker/contract/schemas.ts";
import { nextAction, paymentChoice, provider } from "../orders/orders.contract.ts";
import * as examples from "./payments.examples.ts";

export const paymentStatus = z
  .enum([
    "requested",
    "pending",
    "processing",
    "authorized",
    "captured",
    "failed",
    "expired",
    "cancelled",
    "partially_refunded",
    "refunded",
  ])
  .meta({ id: "PaymentStatus", description: "Where a payment is: see the diagram of its states" });
/**
 * An id from a caller (UUIDv7), or a derived one: from the order's id, or from the provider's for a refund made
 * there.
 */
export const refundId = z.uuid().meta({ examples: ["01941b40-3300-7d08-9b26-7e4a1c5f8d90"] });
const refundStatus = z
  .enum(["pending", "succeeded", "failed"])
  .meta({ id: "RefundStatus", description: "Whether the money has gone back" });
export const refundOrigin = z
  .enum(["shop", "provider"])
  .meta({ id: "RefundOrigin", description: "Who began it: the shop, or somebody at the provider" });
export const refundView = z
  .strictObject({
    id: refundId,
    amount: money,
    reason: z.string(),
    status: refundStatus,
    origin: refundOrigin,
    at: time,
  })
  .meta({ id: "Refund", description: "Money that goes back to the customer" });
export const paymentView = z
  .strictObject({
    id,
    orderId: id,
    provider,
    status: paymentStatus,
    amount: money.meta({ description: "What is owed" }),
    paid: money.meta({ description: "What the customer has paid, with the provider's fee" }),
    fee: money.meta({ description: "What of it the provider has added for itself; it is not the shop's" }),
    captured: money.meta({ description: "What the shop has of it: all that is owed, or nothing yet" }),
    refunded: money,
    receipt: z.string().nullable().meta({ description: "The provider's receipt or reference number" }),
    nextAction,
    failure: z.string().nullable(),
    refunds: z.array(refundView),
    disputed: z.boolean().meta({
      description: "The customer's bank has asked for the money back, or it was voided at the provider",
    }),
    createdAt: time,
  })
  .meta({ id: "Payment", description: "One attempt to pay an order", examples: [examples.payment] });
export const offeredProvider = z
  .strictObject({
    name: provider,
    title: z.string().meta({ description: "The name that people know" }),
    currencies: z
      .array(currency)
      .nullable()
      .meta({ description: "Those that it takes; null where that depends on the shop's account with it" }),
    options: z
      .record(z.string(), z.unknown())
      .meta({ description: "JSON Schema (2020-12) of `payment.options`, as customers give them" }),
  })
  .meta({
    id: "OfferedProvider",
    description: "A provider by which the shop can be paid",
    examples: [examples.offered],
  });
const customer = z
  .strictObject({ id, name: z.string(), email: z.string() })
  .meta({ id: "Customer", description: "Who is to pay" });
export const staffPaymentView = paymentView
  .extend({
    reference: z.string().nullable().meta({
      description: "What the provider calls it, as M-Pesa's CheckoutRequestID; null until it is open",
    }),
    options: z.record(z.string(), z.string()).meta({
      description: "What the customer has chosen beyond the provider, as the phone to ask",
    }),
    customerId: id,
    customer: customer.nullable().meta({ description: "Null where the account is gone" }),
  })
  .meta({
    id: "StaffPayment",
    description: "A payment with its customer",
    examples: [examples.staffPayment],
  });
export const openingTrouble = z
  .enum(["misconfigured", "unreachable"])
  .meta({ id: "OpeningTrouble", description: "Why a payment is not open yet" });
export const openingView = z
  .strictObject({
    paymentId: id,
    orderId: id,
    provider,
    amount: money,
    trouble: openingTrouble,
    reason: z.string().meta({ description: "For staff; customers are told that it is tried again" }),
    failures: z.int(),
    at: time,
    nextAt: time.nullable().meta({ description: "When it is tried again" }),
  })
  .meta({
    id: "PaymentOpening",
    description: "A payment that its provider has not opened yet",
    examples: [examples.opening],
  });
export const anomalyKind = z
  .enum([
    "amount_mismatch",
    "currency_mismatch",
    "double_capture",
    "unknown_payment",
    "capture_after_end",
    "refund_failed",
    "refund_excess",
    "disputed",
    "provider_misconfigured",
    "provider_refused",
    "refund_stuck",
    "voided",
  ])
  .meta({ id: "PaymentAnomalyKind", description: "What did not fit" });
export const anomalyView = z
  .strictObject({
    /** Derived from what did not fit, so that reporting it twice is harmless. */
    id: z.uuid(),
    /** Null where the report names no payment of ours. */
    paymentId: id.nullable(),
    orderId: id.nullable(),
    provider,
    providerRef: z.string().max(200).nullable(),
    kind: anomalyKind,
    expected: money.nullable(),
    reported: money.nullable(),
    at: time,
  })
  .meta({
    id: "PaymentAnomaly",
    description: "A report of a provider that did not fit what was asked",
    examples: [examples.anomaly],
  });

export const bytes = z.custom<Uint8Array>((it) => it instanceof Uint8Array);
export const creditNoteNumber = z
  .string()
  .regex(/^CN-[0-9]{4}-[0-9]{6,12}$/, "must be a credit note's number")
  .meta({ description: "Number of a credit note", examples: ["CN-2026-000001"] });
export const creditNoteView = z
  .strictObject({
    number: creditNoteNumber,
    invoice: z.string().meta({ description: "Number of the invoice that it takes back, in part or whole" }),
    issuedOn: date,
    reason: z.string(),
    net: money,
    tax: money,
    gross: money,
  })
  .meta({
    id: "CreditNote",
    description: "What an invoice takes back after a refund",
    examples: [examples.creditNote],
  });

export const ref = z.string().min(1).max(200);
/** Anyone who knows this reference may pay. It stays out of logs. */
export const capability = ref.meta({
  format: "password",
  description: "From `payment.nextAction` of the order",
  examples: ["4f6b2c1d"],
});
export const reportedStatus = z
  .enum([
    "pending",
    "processing",
    "authorized",
    "captured",
    "partially_refunded",
    "refunded",
    "failed",
    "cancelled",
    "expired",
    "disputed",
  ])
  .meta({ id: "ReportedStatus", description: "How a payment stands, as its provider says" });
/** How long money may be on its way, where its provider does not say: its folder may, and so may the operator. */
export const PROCESSING_MS = 14 * 86_400_000;
/** By how many times the customer was said to have paid: which of a payment's waits a message is about. */
export const round = z
  .int()
  .min(0)
  .meta({ examples: [1] });
export const refundRef = z.string().min(1).max(200);
/** The provider's number of the captured money. */
export const receipt = z.string().max(200).nullable();
/** How often the command has failed. */
export const failures = z.int().min(0).default(0);
/** A command of a payment to its provider, as sent by a `provider.*` message. */
export const providerCommand = z
  .discriminatedUnion("task", [
    z
      .strictObject({
        task: z.literal("check"),
        receipt: receipt.default(null),
        disputed: z.boolean().default(false),
        settles: z.boolean().default(false),
      })
      .meta({ id: "CheckCommand" }),
    z.strictObject({ task: z.literal("capture") }).meta({ id: "CaptureCommand" }),
    z.strictObject({ task: z.literal("cancel") }).meta({ id: "CancelCommand" }),
    z.strictObject({ task: z.literal("refund"), refundId }).meta({ id: "RefundCommand" }),
  ])
  .meta({ id: "ProviderCommand", description: "What a payment wants of its provider" });
export const reportedRefund = z
  .strictObject({
    refundId: z.string().max(200).nullable(),
    refundRef,
    amount: money,
    status: refundStatus,
    reason: z.string().max(500).nullable(),
  })
  .meta({ id: "ReportedRefund" });
/** `<option>:<value>`, the value as its provider compares it. */
export const foundBy = z.array(z.string().max(250)).max(5);
/** Of the customer. Unknown for orders from before it was kept. */
export const customerEmail = z.string().max(320);
export const paymentRequest = z
  .strictObject({
    orderId: id,
    orderNumber: z.string(),
    customerId: id,
    email: customerEmail.optional(),
    amount: money,
    payment: paymentChoice,
    expiresAt: time,
  })
  .meta({ id: "PaymentRequest", description: "What is to be paid, by when and how" });
/** The provider's name, the headers, and the raw body in base64, because the signature covers each byte. */
export const webhook = z.strictObject({
  provider: provider.meta({ description: "Name of the provider that reports" }),
  headers: z.record(z.string(), z.string()),
  body: z.string().max(1_400_000),
});
export const webhookAnswer = z.record(z.string(), z.unknown()).meta({
  id: "WebhookAnswer",
  description: "What the provider wants to read",
  examples: [{ received: true }],
});

/** Kinds of money movements. ledger/transaction.ts has their accounts. */
export const bookingKind = z
  .enum([
    "capture",
    "refund",
    "refund_returned",
    "duplicate_capture",
    "duplicate_capture_refund",
    "dispute",
    // Names of a duplicate capture and its refund in 0.1.0. The ledger keeps what was booked under them.
    "surplus",
    "surplus_refund",
  ])
  .meta({ id: "LedgerBookingKind", description: "Why money has moved" });
export const bookingSchema = z
  .strictObject({
    /** Derived from its subject, so that booking it twice is harmless. */
    id: z.uuid(),
    kind: bookingKind,
    paymentId: id,
    orderId: id,
    provider,
    amount: money,
    /** What the customer has paid on top, because the provider has added it for itself. */
    fee: minorUnits.optional(),
    /** The provider's number of it. */
    reference: z.string().max(200).nullable(),
    at: time,
  })
  .meta({ id: "LedgerBooking", description: "Money that has moved" });
const account = z
  .string()
  .regex(/^[a-z]+(?::[a-z0-9_-]+)?$/)
  .meta({ examples: ["provider:sandbox"] });
const signedMinorUnits = z.int().meta({ description: "Minor units; received is positive", examples: [1299] });
const entryView = z
  .strictObject({ account, amount: signedMinorUnits, currency: currency.optional() })
  .meta({ id: "LedgerEntry", description: "What an account has received; given where it is negative" });
export const transactionView = bookingSchema
  .omit({ amount: true, fee: true })
  .extend({ currency, entries: z.array(entryView).min(2) })
  .meta({
    id: "LedgerTransaction",
    description: "Money that has moved: entries whose amounts sum to zero",
    examples: [examples.transaction],
  });
const balanceView = z
  .strictObject({ account, currency, amount: signedMinorUnits })
  .meta({ id: "LedgerBalance", description: "What an account holds in one currency" });
export const balancesView = z
  .strictObject({
    items: z.array(balanceView),
    balanced: z.boolean().meta({ description: "Whether each currency's sum is zero, as it must be" }),
  })
  .meta({
    id: "LedgerBalances",
    description: "What all accounts hold",
    examples: [examples.balances],
  });
