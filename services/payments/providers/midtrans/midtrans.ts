/**
 * Midtrans Snap: a page where the customer chooses how to pay, in rupiah. It uses plain HTTP, because the official
 * client has no types, no time-outs and no way to set its address.
 */
import { z } from "zod";
import type { Money } from "../../../../broker/contract/schemas.ts";
import { secret } from "../../../../broker/contract/variables.ts";
import { defineProvider } from "../define-provider.ts";
import {
  type PaymentProvider,
  type ProviderContext,
  ProviderRefused,
  providerFailed,
  type StatusReport,
} from "../provider.ts";
import { apiBase } from "../support/api-base.ts";
import { emailFor, sendEmail } from "../support/email.ts";
import { segment } from "../support/http.ts";
import { isConfigured } from "../support/settings.ts";
import { createMidtransApi, type MidtransApi } from "./api.ts";
import { verifyNotification } from "./notification.ts";
import { openSnap, rupiah } from "./open-snap.ts";
import { refundTransaction } from "./refund-transaction.ts";
import { figuresOf, reportOf, statusOf } from "./statuses.ts";

export const midtrans = defineProvider({
  name: "midtrans",
  title: "Midtrans",
  currencies: ["IDR"],
  variables: z.object({
    MIDTRANS_SERVER_KEY: secret
      .optional()
      .describe("Server key of the Midtrans account; without it there is no provider midtrans"),
    MIDTRANS_SEND_EMAIL: sendEmail("on: Midtrans mails instructions and receipts to the customer"),
    MIDTRANS_SNAP_BASE: apiBase
      .optional()
      .describe(
        "Address of Snap; https://app.midtrans.com unless set, https://app.sandbox.midtrans.com is its sandbox",
      ),
    MIDTRANS_API_BASE: apiBase
      .optional()
      .describe(
        "Address of the Core API; https://api.midtrans.com unless set, https://api.sandbox.midtrans.com is its sandbox",
      ),
  }),
  secrets: ["MIDTRANS_SERVER_KEY"],
  testKey: /^SB-/,
  emulator: async () => (await import("./emulator/midtrans.ts")).startMidtrans,
  create: (context, { MIDTRANS_SERVER_KEY, ...others }) =>
    isConfigured("midtrans", { MIDTRANS_SERVER_KEY }, others) && MIDTRANS_SERVER_KEY
      ? createMidtrans(
          context,
          createMidtransApi({
            serverKey: MIDTRANS_SERVER_KEY,
            snapBase: others.MIDTRANS_SNAP_BASE ?? "https://app.midtrans.com",
            apiBase: others.MIDTRANS_API_BASE ?? "https://api.midtrans.com",
          }),
          MIDTRANS_SERVER_KEY,
          others.MIDTRANS_SEND_EMAIL,
        )
      : null,
});

function createMidtrans(
  { clock, webhookUrl }: ProviderContext,
  api: MidtransApi,
  serverKey: string,
  mails: "on" | "off" | undefined,
): PaymentProvider {
  return {
    name: "midtrans",
    // Its signature covers neither the status nor the fraud status, so a known signature would also fit a false one.
    webhooksProve: false,

    createPayment: (intent, signal) =>
      openSnap(
        api,
        intent,
        { now: clock.now(), notify: webhookUrl(), email: emailFor(mails, intent.email) },
        signal,
      ),

    async capture({ providerRef, amount }, signal) {
      const it = await api.status(providerRef, signal);
      if (!it) throw new ProviderRefused("not paid");
      if (statusOf(it) === "authorized")
        await api.act(
          "/v2/capture",
          { transaction_id: it.transaction_id, gross_amount: rupiah(withFee(amount, figuresOf(it))) },
          signal,
        );
      const report = reportOf(await api.status(providerRef, signal));
      if (!TAKEN.has(report.status)) throw new ProviderRefused("not paid");
      return report;
    },

    /**
     * A page without a chosen method is unknown to the Core API and can't be closed. It ends with the payment's time.
     * A later payment on it is reported and refunded.
     */
    async cancel(ref, signal) {
      const it = await api.status(ref, signal);
      const status = it && statusOf(it);
      if (!it || (status && OVER.has(status))) return;
      if (status && TAKEN.has(status)) throw new ProviderRefused("paid already");
      // Only `expire` is refused for a payment made meanwhile. `cancel` would refund it.
      const action = status === "authorized" ? "cancel" : status === "processing" ? "deny" : "expire";
      await api.act(`/v2/${segment(ref)}/${action}`, undefined, signal);
      const after = reportOf(await api.status(ref, signal)).status;
      if (TAKEN.has(after)) throw new ProviderRefused("paid already");
      if (!OVER.has(after)) throw providerFailed(`midtrans did not ${action} a payment that is ${after}`);
    },

    refund: (request, signal) => refundTransaction(api, request, signal),

    fetchStatus: async (ref, signal) => reportOf(await api.status(ref, signal)),

    verifyWebhook: async ({ rawBody }) => verifyNotification(serverKey, rawBody),
  };
}

/** What was authorized includes the fee, so what is captured does too. */
const withFee = (amount: Money, { fee }: Pick<StatusReport, "fee">): Money =>
  fee ? { ...amount, amount: amount.amount + fee.amount } : amount;

const OVER: ReadonlySet<string> = new Set(["failed", "cancelled", "expired"]);
const TAKEN: ReadonlySet<string> = new Set(["captured", "partially_refunded", "refunded", "disputed"]);
