/**
 * Xendit Invoices: a page of Xendit where the customer chooses how to pay. It uses plain HTTP. The official client
 * has no time-outs, no idempotency keys for invoices, and follows redirects.
 */
import { z } from "zod";
import { secret } from "../../../../broker/contract/variables.ts";
import { defineProvider } from "../define-provider.ts";
import {
  type OpenedPayment,
  type PaymentIntent,
  type PaymentProvider,
  type ProviderContext,
  ProviderRefused,
} from "../provider.ts";
import { apiBase } from "../support/api-base.ts";
import { emailFor, sendEmail } from "../support/email.ts";
import { returnAddress } from "../support/return-address.ts";
import { isConfigured } from "../support/settings.ts";
import { createXenditApi, type Invoice, type XenditApi } from "./api.ts";
import { refundInvoice } from "./refund-invoice.ts";
import { CURRENCIES, isPaid, majorOf, moneyOf, reportOf } from "./statuses.ts";
import { verifyCallback } from "./webhook.ts";

export const xendit = defineProvider({
  name: "xendit",
  title: "Xendit",
  currencies: [...CURRENCIES.keys()],
  variables: z.object({
    XENDIT_SECRET_KEY: secret
      .optional()
      .describe(
        "Secret key of the Xendit account, with write access to money-in; without it no provider xendit",
      ),
    XENDIT_CALLBACK_TOKEN: secret
      .optional()
      .describe(
        "Webhook verification token of the Xendit account; its webhooks of paid and expired invoices and of refunds go to /api/v1/payments/webhooks/xendit",
      ),
    XENDIT_SEND_EMAIL: sendEmail("on: Xendit mails its invoice to the customer"),
    XENDIT_API_BASE: apiBase.optional().describe("Address of Xendit's API; https://api.xendit.co unless set"),
  }),
  secrets: ["XENDIT_SECRET_KEY", "XENDIT_CALLBACK_TOKEN"],
  testKey: /^xnd_development_/,
  emulator: async () => (await import("./emulator/xendit.ts")).startXendit,
  create(context, { XENDIT_SECRET_KEY, XENDIT_CALLBACK_TOKEN, XENDIT_API_BASE, XENDIT_SEND_EMAIL }) {
    const needed = { XENDIT_SECRET_KEY, XENDIT_CALLBACK_TOKEN };
    const others = { XENDIT_API_BASE, XENDIT_SEND_EMAIL };
    if (!isConfigured("xendit", needed, others) || !XENDIT_SECRET_KEY || !XENDIT_CALLBACK_TOKEN) return null;
    const api = createXenditApi(XENDIT_SECRET_KEY, XENDIT_API_BASE ?? "https://api.xendit.co");
    return createXendit(context, api, XENDIT_CALLBACK_TOKEN, XENDIT_SEND_EMAIL);
  },
});

function createXendit(
  { clock }: ProviderContext,
  api: XenditApi,
  callbackToken: string,
  mails: "on" | "off" | undefined,
): PaymentProvider {
  /** The provider's data: invoice and refunds. */
  async function fetchStatus(ref: string, signal: AbortSignal) {
    const invoice = await api.invoice(ref, signal);
    if (!invoice) throw new ProviderRefused("unknown reference");
    return reportOf(invoice, isPaid(invoice) ? await api.refunds(ref, signal) : []);
  }

  return {
    name: "xendit",
    // A static token proves who calls, not what the body says.
    webhooksProve: false,

    async createPayment(intent, signal) {
      const { expiresAt } = intent;
      const seconds = Math.floor((expiresAt.getTime() - clock.now()) / 1_000);
      if (seconds < 1) throw new ProviderRefused("no time is left to pay");
      const wanted = invoiceFor(intent, seconds, emailFor(mails, intent.email));
      const earlier = await api.findByExternalId(intent.paymentId, signal);
      return opened(intent, earlier ?? (await api.createInvoice(wanted, signal)));
    },

    /** The money is taken when the customer pays. Nothing is captured later. */
    async capture({ providerRef }, signal) {
      const report = await fetchStatus(providerRef, signal);
      if (report.amount === null) throw new ProviderRefused("not paid");
      return report;
    },

    async cancel(ref, signal) {
      const ended = await api.expireInvoice(ref, signal);
      // Refused for an invoice that has ended. The invoice shows how.
      const after = ended ?? (await api.invoice(ref, signal));
      if (!after) throw new ProviderRefused("unknown reference");
      if (isPaid(after)) throw new ProviderRefused("paid already");
      if (after.status !== "EXPIRED") throw new ProviderRefused(`xendit left the invoice ${after.status}`);
    },

    refund: (request, signal) => refundInvoice(api, request, signal),
    fetchStatus,
    verifyWebhook: async (webhook) => verifyCallback(callbackToken, webhook),
  };
}

const invoiceFor = (intent: PaymentIntent, seconds: number, email: string | undefined) => {
  const { paymentId, orderId, orderNumber, amount, returnUrl } = intent;
  return {
    external_id: paymentId,
    amount: majorOf(amount),
    currency: amount.currency,
    description: `Order ${orderNumber}`,
    invoice_duration: seconds,
    should_send_email: email !== undefined,
    ...(email !== undefined && { payer_email: email }),
    // Without them, those of the account's settings count.
    ...(returnUrl !== null && {
      success_redirect_url: returnAddress(returnUrl, intent, "succeeded"),
      failure_redirect_url: returnAddress(returnUrl, intent, "failed"),
    }),
    metadata: { order_id: orderId },
  };
};

function opened({ amount }: PaymentIntent, invoice: Invoice): OpenedPayment {
  const asked = moneyOf(invoice.amount, invoice.currency);
  if (asked.amount !== amount.amount || asked.currency !== amount.currency)
    throw new ProviderRefused("opened before with another amount");
  return {
    providerRef: invoice.id,
    nextAction: { type: "redirect", url: invoice.invoice_url },
    expiresAt: new Date(invoice.expiry_date),
  };
}
