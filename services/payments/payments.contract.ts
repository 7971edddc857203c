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
import {
  currency,
  cursor,
  flag,
  id,
  limit,
  line,
  list,
  minorUnits,
  money,
  page,
  time,
} from "../../broker/contract/schemas.ts";
import { nextAction, provider } from "../orders/orders.contract.ts";
import { invoiceSummary, invoiceYear } from "./invoice-list.schemas.ts";
import { paymentsConfig } from "./payments.config.ts";
import { paymentsErrors } from "./payments.errors.ts";
import {
  anomalyView,
  balancesView,
  bookingSchema,
  bytes,
  capability,
  creditNoteNumber,
  creditNoteView,
  failures,
  foundBy,
  offeredProvider,
  openingTrouble,
  openingView,
  paymentRequest,
  paymentStatus,
  paymentView,
  providerCommand,
  receipt,
  ref,
  refundId,
  refundRef,
  reportedRefund,
  reportedStatus,
  round,
  staffPaymentView,
  transactionView,
  webhook,
  webhookAnswer,
} from "./payments.schemas.ts";

export {
  anomalyKind,
  anomalyView,
  bookingKind,
  bookingSchema,
  creditNoteView,
  customerEmail,
  foundBy,
  openingTrouble,
  PROCESSING_MS,
  paymentStatus,
  paymentView,
  providerCommand,
  refundOrigin,
  refundView,
  reportedStatus,
  staffPaymentView,
} from "./payments.schemas.ts";

import { shopView } from "./shop-view.ts";

const orderId = id.meta({ description: "Id of the order" });
const paymentId = id.meta({ description: "Id of the payment" });
const fileHeader = {
  "Content-Disposition": z.string().meta({
    description: "Name of the file",
    examples: ['inline; filename="invoice-2026-000001.pdf"'],
  }),
};

/** Nodes of earlier versions leave it out. */
const bookedAt = time
  .optional()
  .meta({ description: "When the ledger has it, so that sums of a day are equal to the ledger's" });

const messages = {
  "payment.request": command("payment", "Open a payment at its provider", paymentRequest),
  "payment.open": timer("payment", "Open it at its provider, with others or once more", z.strictObject({})),
  "payment.opened": reply(
    "payment",
    "The provider has opened it",
    z.strictObject({
      providerRef: ref,
      nextAction,
      expiresAt: time.nullable(),
      foundBy: foundBy.optional(),
    }),
  ),
  "payment.refused": reply(
    "payment",
    "The provider would not open it",
    z.strictObject({ reason: z.string(), foundBy: foundBy.optional() }),
  ),
  "payment.open_failed": reply(
    "payment",
    "The provider has not opened it, and may yet",
    z.strictObject({
      trouble: openingTrouble,
      reason: z.string().max(500),
      foundBy: foundBy.optional(),
    }),
    { formerly: ["payment.unopened"] },
  ),
  "payment.report": command(
    "payment",
    "A provider has reported something: a webhook that proves itself, or an answer to our question",
    z.strictObject({
      provider,
      eventId: z.string().max(200),
      providerRef: ref,
      status: reportedStatus,
      /** What the customer has paid, with what the provider has added. */
      amount: money.nullable(),
      /** What the provider says that was asked. */
      asked: money.nullable().default(null),
      /** What of the amount the provider has added for itself, as it declares. */
      fee: money.nullable().default(null),
      receipt,
      reason: z.string().max(500).nullable(),
      refunds: z.array(reportedRefund).max(1_000).default([]),
      /** Set for the answer to a question about a report that did not fit. It is accepted as it is. */
      settles: z.boolean().default(false),
      /** Beside `processing`: how long that may take at this provider. */
      processingMs: z.int().min(0).optional(),
    }),
    { formerly: ["payment.notified"] },
  ),
  "payment.check": timer("payment", "Ask the provider how it stands", z.strictObject({ last: z.boolean() })),
  "payment.retry": timer(
    "payment",
    "Ask the provider once more for what it has not done",
    z.strictObject({ command: providerCommand.meta({ "x-formerly": "errand" }), failures }),
  ),
  "payment.unmatched": timer(
    "payment",
    "Providers report a payment that nobody has asked for",
    z.strictObject({}),
  ),
  "payment.cancel": command(
    "payment",
    "The order needs no payment any more",
    z.strictObject({ reason: z.string() }),
  ),
  "payment.refund": command(
    "payment",
    "Give money back: an amount, or all that is left",
    z.strictObject({
      refundId,
      amount: money.nullable(),
      /** Give less where less is left. Without it, a refund that is too large is refused. */
      upTo: z.boolean().optional(),
      reason: z.string(),
    }),
  ),
  "payment.pending": event(
    "order",
    "A payment waits for its customer",
    z.strictObject({ paymentId: id, provider, nextAction }),
  ),
  "payment.processing": event(
    "order",
    "The customer has paid, and the bank is slow: money is on its way",
    z.strictObject({
      paymentId: id,
      provider,
      until: time.meta({ description: "When it counts as failed, if nothing was heard of it until then" }),
      round,
    }),
  ),
  "payment.captured": event(
    "order",
    "A payment has been taken",
    z.strictObject({ paymentId: id, amount: money, bookedAt }),
  ),
  "payment.failed": event(
    "order",
    "An attempt to pay failed",
    z.strictObject({
      paymentId: id,
      reason: z.string().meta({ examples: ["The card was declined"] }),
      round: round.optional(),
    }),
  ),
  "payment.expired": event(
    "order",
    "An attempt to pay ran out of time",
    z.strictObject({ paymentId: id, round: round.optional() }),
  ),
  "payment.refunded": event(
    "order",
    "Money was given back",
    z.strictObject({ paymentId: id, refundId, amount: money, full: z.boolean(), bookedAt }),
  ),
  "payment.refund_failed": event(
    "order",
    "Money was not given back: the provider would not",
    z.strictObject({
      paymentId: id,
      refundId,
      amount: money,
      reason: z
        .string()
        .max(500)
        .meta({ examples: ["The account is closed"] }),
    }),
  ),
  "payment.anomaly": event("payment", "A report did not fit what was asked", anomalyView),
  "provider.open": command(
    "payment",
    "Open at the provider, after others had to be waited for or a failure",
    paymentRequest,
  ),
  "provider.check": command(
    "payment",
    "Ask the provider how a payment stands",
    z.strictObject({
      provider,
      providerRef: ref,
      /** From a webhook that proves nothing. Used where the provider's answer has none. */
      receipt: receipt.default(null),
      /** The same webhook has reported a dispute. Used where we may not ask the provider about disputes. */
      disputed: z.boolean().default(false),
      /** Nothing else will ask again soon, so it is repeated when it fails. */
      urgent: z.boolean().default(false),
      /** Asked because a report did not fit. */
      settles: z.boolean().default(false),
      failures,
    }),
  ),
  "provider.capture": command(
    "payment",
    "Take what the customer has agreed to",
    z.strictObject({ provider, providerRef: ref, amount: money, failures }),
  ),
  "provider.cancel": command(
    "payment",
    "Cancel at the provider",
    z.strictObject({ provider, providerRef: ref, failures }),
  ),
  "provider.refund": command(
    "payment",
    "Refund at the provider; idempotency key = refund id",
    z.strictObject({
      provider,
      providerRef: ref,
      receipt: receipt.default(null),
      refundId,
      amount: money,
      reason: z.string(),
      failures,
    }),
  ),
  "provider.command_failed": reply(
    "payment",
    "The provider has not done it, or it is not known whether it has: to be asked again",
    z.strictObject({
      provider,
      providerRef: ref,
      command: providerCommand.meta({ "x-formerly": "errand" }),
      trouble: openingTrouble,
      reason: z.string().max(500),
      failures: z.int().min(1),
    }),
    { formerly: ["provider.unsettled"] },
  ),
  "provider.refunded": reply(
    "payment",
    "The provider gave it back",
    z.strictObject({ refundId, refundRef: refundRef.nullable().default(null) }),
  ),
  "provider.refund_pending": reply(
    "payment",
    "The provider will give it back, and reports when it has",
    z.strictObject({ refundId, refundRef }),
  ),
  "provider.refund_failed": reply(
    "payment",
    "The provider would not give it back",
    z.strictObject({
      refundId,
      /** Null where it was never made, so no money can have come back from it. */
      refundRef: refundRef.nullable().default(null),
      reason: z.string(),
    }),
  ),
  "ledger.book": command("payment", "Enter money that has moved into the ledger, once", bookingSchema),
};

export const payments = defineContract({
  service: "payments",
  config: paymentsConfig,
  errors: paymentsErrors,
  description:
    "Payments at providers, refunds, invoices and the ledger; and the sandbox, a provider for trying things out.",
  actions: {
    listByOrder: action({
      summary: "Attempts to pay one of the caller's orders",
      description: "All of them, the newest first.",
      operationId: "listOrderPayments",
      rest: "GET /orders/:id/payments",
      auth: "customer",
      widerScope: "payments:read",
      params: z.strictObject({ id: orderId }),
      returns: list(paymentView),
      errors: ["NOT_FOUND"],
    }),
    invoice: action({
      summary: "The invoice of one of the caller's orders",
      description: "There is one from when the order is paid.",
      headers: { reply: fileHeader },
      operationId: "getInvoice",
      rest: "GET /orders/:id/invoice.pdf",
      auth: "customer",
      widerScope: "payments:read",
      produces: "application/pdf",
      params: z.strictObject({ id: orderId }),
      returns: bytes,
      errors: ["NOT_FOUND", "INVOICE_NOT_ISSUED"],
    }),
    listInvoices: action({
      summary: "All invoices, the latest number first",
      description: "`total` is there with `year`.",
      operationId: "listInvoices",
      rest: "GET /invoices",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({ year: invoiceYear, limit, cursor }),
      returns: page(invoiceSummary),
    }),
    shop: action({
      summary: "The shop",
      description: "What its pages show of it everywhere.",
      operationId: "getShop",
      rest: "GET /shop",
      auth: "public",
      shared: true,
      params: z.strictObject({}),
      returns: shopView,
    }),
    invoiceXml: action({
      summary: "The invoice of one of the caller's orders, for programs",
      description:
        "UBL 2.1 with the contents of EN 16931. Its `CustomizationID` says that it follows the standard, where the seller's settings have what the standard asks for.",
      headers: { reply: fileHeader },
      operationId: "getInvoiceXml",
      rest: "GET /orders/:id/invoice.xml",
      auth: "customer",
      widerScope: "payments:read",
      produces: "application/xml",
      params: z.strictObject({ id: orderId }),
      returns: bytes,
      errors: ["NOT_FOUND", "INVOICE_NOT_ISSUED"],
    }),
    creditNotes: action({
      summary: "Credit notes of one of the caller's orders",
      description: "What was credited of its invoice, in order of number.",
      operationId: "listCreditNotes",
      rest: "GET /orders/:id/credit-notes",
      auth: "customer",
      widerScope: "payments:read",
      params: z.strictObject({ id: orderId }),
      returns: list(creditNoteView),
      errors: ["NOT_FOUND"],
    }),
    creditNote: action({
      summary: "One credit note by its number",
      headers: { reply: fileHeader },
      operationId: "getCreditNote",
      rest: "GET /orders/:id/credit-notes/:number",
      auth: "customer",
      widerScope: "payments:read",
      produces: "application/pdf",
      params: z.strictObject({ id: orderId, number: creditNoteNumber }),
      returns: bytes,
      errors: ["NOT_FOUND"],
    }),
    creditNoteXml: action({
      summary: "One credit note by its number, for programs",
      description: "As the invoice.",
      headers: { reply: fileHeader },
      operationId: "getCreditNoteXml",
      rest: "GET /orders/:id/credit-notes/:number/credit-note.xml",
      auth: "customer",
      widerScope: "payments:read",
      produces: "application/xml",
      params: z.strictObject({ id: orderId, number: creditNoteNumber }),
      returns: bytes,
      errors: ["NOT_FOUND"],
    }),
    webhook: action({
      summary: "Where payment providers report",
      description:
        "A report is verified against its raw body, stored, and handled after the reply. " +
        "Reports that come twice, late or in another order are fine.",
      operationId: "receiveWebhook",
      rest: "POST /payments/webhooks/:provider",
      auth: "public",
      repeatable: "known by the provider's event id",
      body: "raw",
      params: webhook,
      returns: webhookAnswer,
      errors: ["WEBHOOK_REJECTED", "PROVIDER_UNKNOWN"],
    }),
    webhookWithKey: action({
      summary: "Where payment providers report, with a key",
      description: "For providers that are told an address of its own for each payment.",
      operationId: "receiveWebhookWithKey",
      rest: "POST /payments/webhooks/:provider/:key",
      auth: "public",
      repeatable: "known by the provider's event id",
      body: "raw",
      params: webhook.extend({
        key: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,100}$/, "must be the last part of an address that the shop gave out")
          .meta({ description: "Last part of the address that the shop gave out", examples: ["c2VjcmV0"] }),
      }),
      returns: webhookAnswer,
      errors: ["WEBHOOK_REJECTED", "PROVIDER_UNKNOWN"],
    }),
    refund: action({
      summary: "Refund a payment",
      description:
        "Some of what was captured, or all that is left. The reply has the refund as `pending`, as a rule.",
      operationId: "refundPayment",
      rest: "POST /payments/:id/refunds",
      auth: "staff",
      scope: "payments:write",
      status: 201,
      idempotent: "required",
      params: z.strictObject({
        id: paymentId,
        amount: z
          .union([
            minorUnits.min(1),
            z
              .strictObject({ amount: minorUnits.min(1), currency })
              .meta({ id: "RefundAmount", description: "Money, more than none" }),
          ])
          .optional()
          .meta({
            description:
              "In the payment's currency; all that is left when left out. A bare number, of minor units, is taken for " +
              "clients of earlier versions",
            examples: [{ amount: 4900, currency: "USD" }],
          }),
        reason: line(200).meta({ description: "The customer sees it", examples: ["One lamp was broken"] }),
      }),
      returns: paymentView,
      errors: ["NOT_FOUND", "PAYMENT_NOT_REFUNDABLE", "REFUND_TOO_LARGE"],
    }),
    endRefund: action({
      summary: "Say how a refund has ended",
      description: "Of one that its provider never reports on. The provider's own books are looked at first.",
      operationId: "endRefund",
      rest: "POST /payments/:id/refunds/:refundId/end",
      auth: "staff",
      scope: "payments:write",
      repeatable: "a refund that has ended so stays as it is",
      params: z.strictObject({
        id: paymentId,
        refundId: refundId.meta({ description: "Id of the refund" }),
        outcome: z
          .enum(["succeeded", "failed"])
          .meta({ id: "RefundOutcome", description: "What the provider's books say" }),
      }),
      returns: paymentView,
      errors: ["NOT_FOUND", "CONFLICT"],
    }),
    list: action({
      summary: "All payments with their customers",
      description:
        "The newest first; by status, provider, receipt number, the provider's reference (M-Pesa's CheckoutRequestID, " +
        "Stripe's `pi_…`), or what else a provider's payments can be found by.",
      operationId: "listPayments",
      rest: "GET /payments",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({
        status: paymentStatus.optional().meta({ description: "Only those that are there" }),
        provider: provider.optional().meta({ description: "Only those at this provider" }),
        receipt: line(200).optional().meta({ description: "The provider's receipt or reference number" }),
        reference: line(200)
          .optional()
          .meta({
            description: "What the provider calls the payment",
            examples: ["ws_CO_191220191020363925"],
          }),
        phone: line(40)
          .optional()
          .meta({
            description: "The phone that was asked to pay, as people write it; of providers that ask phones",
            examples: ["0712 345678"],
          }),
        limit,
        cursor,
      }),
      returns: page(staffPaymentView),
    }),
    openings: action({
      summary: "Payments that their providers have not opened yet",
      description: "With the reason, and when it is tried again.",
      operationId: "listPaymentOpenings",
      rest: "GET /payments/openings",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({ limit, cursor }),
      returns: page(openingView),
    }),
    anomalies: action({
      summary: "Reports from providers that did not fit what was asked",
      description: "The newest first. Somebody should look at each of them.",
      operationId: "listPaymentAnomalies",
      rest: "GET /payments/anomalies",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({ limit, cursor }),
      returns: page(anomalyView),
    }),
    ledger: action({
      summary: "The payments ledger",
      description:
        "Transactions, the newest first. None is ever changed, and the entries of each sum to zero.",
      operationId: "listLedgerTransactions",
      rest: "GET /payments/ledger",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({
        paymentId: id.optional().meta({ description: "Only those of this payment" }),
        limit,
        cursor,
      }),
      returns: page(transactionView),
    }),
    balances: action({
      summary: "Balances of the ledger's accounts",
      description: "And whether each currency's sum is zero, as it must be.",
      operationId: "getLedgerBalances",
      rest: "GET /payments/ledger/balances",
      auth: "staff",
      scope: "payments:read",
      params: z.strictObject({}),
      returns: balancesView,
    }),
    providers: action({
      summary: "Names of the configured providers",
      readOnly: true,
      params: z.strictObject({}),
      returns: z.array(provider),
    }),
    offered: action({
      summary: "Providers by which the shop can be paid",
      description: "Those that are on, with the `options` that each takes, as JSON Schema.",
      operationId: "listPaymentProviders",
      rest: "GET /payment-providers",
      auth: "public",
      shared: true,
      params: z.strictObject({}),
      returns: list(offeredProvider),
    }),
    returnPage: action({
      summary: "The page for customers who come back from a provider",
      description:
        "Where no `returnUrl` was given. It shows nothing of the order: its address proves nothing. Providers add " +
        "parameters of their own, which are ignored.",
      operationId: "showReturnPage",
      rest: "GET /payments/return",
      auth: "public",
      produces: "text/html",
      params: z.looseObject({
        orderId: line(100).optional().meta({ description: "Id of the order" }),
        outcome: z
          .enum(["succeeded", "failed", "cancelled"])
          .meta({ id: "ReturnOutcome", description: "What a customer has done at a provider's page" })
          .optional()
          .meta({ description: "What the customer has done, as the provider's page says" }),
      }),
      returns: z.string().meta({ examples: ['<!doctype html>\n<html lang="en">…</html>\n'] }),
    }),
    sandboxPage: action({
      summary: "The sandbox provider's pay page",
      description: "What a customer sees where a real provider would be. No money moves here.",
      operationId: "showSandboxPage",
      rest: "GET /sandbox/pay/:ref",
      auth: "public",
      produces: "text/html",
      params: z.strictObject({ ref: capability }),
      returns: z.string().meta({ examples: ['<!doctype html>\n<html lang="en">…</html>\n'] }),
      errors: ["NOT_FOUND"],
    }),
    sandboxPay: action({
      summary: "Decide how a sandbox payment ends",
      description:
        "The sandbox then calls the shop's webhook: after `delayMs`, as often as `times` says, with another `amount` " +
        "where one is given.",
      operationId: "paySandbox",
      rest: "POST /sandbox/pay/:ref",
      auth: "public",
      repeatable: "a payment is decided once, and after `process` once more",
      status: 202,
      params: z.strictObject({
        ref: capability,
        outcome: z.enum(["succeed", "decline", "expire", "process"]).meta({
          id: "SandboxOutcome",
          description:
            "What the customer does; `process`: a slow bank, so `succeed` or `decline` follows later",
        }),
        delayMs: z
          .int()
          .min(0)
          .max(86_400_000)
          .default(0)
          .meta({ description: "Milliseconds until the report" }),
        times: z.int().min(1).max(10).default(1).meta({ description: "How often it comes" }),
        amount: minorUnits.optional().meta({ description: "Report this amount instead of the right one" }),
        fee: minorUnits
          .max(1_000_000_000)
          .optional()
          .meta({ description: "The provider adds this fee for itself; the customer pays it on top" }),
        page: flag.optional().meta({ description: "Go back to the pay page (303), as its own form asks" }),
      }),
      returns: z
        .strictObject({ status: z.literal("accepted") })
        .meta({ id: "Accepted", description: "It will be done" }),
      errors: ["NOT_FOUND", "CONFLICT"],
    }),
  },
  messages,
  actors: {
    payment: {
      collection: "payments",
      receives: [
        "payment.request",
        "payment.opened",
        "payment.refused",
        "payment.open_failed",
        "payment.report",
        "payment.cancel",
        "payment.refund",
        "provider.command_failed",
        "provider.refunded",
        "provider.refund_pending",
        "provider.refund_failed",
      ],
    },
  },
  workers: {
    openPayment: { receives: ["payment.request", "provider.open"] },
    checkAtProvider: { receives: ["provider.check"] },
    captureAtProvider: { receives: ["provider.capture"] },
    cancelAtProvider: { receives: ["provider.cancel"] },
    refundAtProvider: { receives: ["provider.refund"] },
    recordAnomaly: { receives: ["payment.anomaly"] },
    issueInvoice: { receives: ["order.paid"] },
    issueCreditNotes: { receives: ["payment.refunded"] },
    bookMoney: { receives: ["ledger.book"] },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof payments> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
