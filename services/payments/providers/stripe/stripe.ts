/**
 * Stripe by PaymentIntents: the client confirms with the client secret, and Stripe reports by webhook. Our ids are
 * the idempotency keys. Stripe may forget keys after a day, so later calls (refunds) check for an earlier result
 * first.
 */
import { z } from "zod";
import { ConfigError, secret } from "../../../../broker/contract/variables.ts";
import { defineProvider } from "../define-provider.ts";
import {
  type CaptureRequest,
  type PaymentProvider,
  type ProviderContext,
  ProviderRefused,
  providerFailed,
  type RefundReport,
  type RefundRequest,
  type StatusReport,
} from "../provider.ts";
import { apiBase } from "../support/api-base.ts";
import { emailFor, sendEmail } from "../support/email.ts";
import { toStripe } from "./amounts.ts";
import { createClient, FailureRepeated, UnexpectedState } from "./client.ts";
import { paymentIntent, read, refund, refundReport, reportOf } from "./objects.ts";
import { verify } from "./webhook.ts";

const variables = z.object({
  STRIPE_SECRET_KEY: secret
    .optional()
    .describe("Stripe's secret API key (sk_…); Stripe is offered where it is set"),
  STRIPE_WEBHOOK_SECRET: secret
    .optional()
    .describe(
      "Signing secret of the webhook endpoint (whsec_…); two, with a comma between, while it is rolled",
    ),
  STRIPE_API_BASE: apiBase.optional().describe("Where Stripe's API is; https://api.stripe.com unless set"),
  STRIPE_CAPTURE: z
    .enum(["automatic", "manual"])
    .optional()
    .describe("manual takes the money only when the shop captures it; automatic unless set"),
  STRIPE_SEND_EMAIL: sendEmail("on: Stripe mails a receipt to the customer"),
});

type Settings = z.output<typeof variables>;

export const stripe = defineProvider({
  name: "stripe",
  title: "Stripe",
  variables,
  secrets: ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"],
  testKey: /^(?:sk|rk)_test_/,
  // SEPA direct debits may take 14 business days.
  processingMs: 21 * 86_400_000,
  emulator: async () => (await import("./emulator/stripe.ts")).startStripe,
  create(context, settings): PaymentProvider | null {
    const { STRIPE_SECRET_KEY: key, STRIPE_WEBHOOK_SECRET: signing } = settings;
    if (Object.values(settings).every((it) => it === undefined)) return null;
    if (!key) throw new ConfigError("STRIPE_SECRET_KEY: must be set where other variables of Stripe are");
    if (!signing) throw new ConfigError("STRIPE_WEBHOOK_SECRET: must be set where STRIPE_SECRET_KEY is");
    const secrets = signing.split(",").map((it) => it.trim());
    if (secrets.some((it) => it.length < 16))
      throw new ConfigError("STRIPE_WEBHOOK_SECRET: each must have at least 16 characters");
    return createStripe(context, key, secrets, settings);
  },
});

/** How many further keys replace a key under which Stripe keeps a failure. */
const MAX_KEYS = 5;

function createStripe(
  { clock }: ProviderContext,
  secretKey: string,
  webhookSecrets: readonly string[],
  { STRIPE_API_BASE, STRIPE_CAPTURE, STRIPE_SEND_EMAIL }: Settings,
): PaymentProvider {
  const base = new URL(STRIPE_API_BASE ?? "https://api.stripe.com");
  if (base.pathname !== "/") throw new ConfigError("STRIPE_API_BASE: must have no path");
  const client = createClient(secretKey, base);
  const { ask } = client;

  const intent = async (ref: string, signal: AbortSignal) =>
    read(
      paymentIntent,
      await ask(signal, (it) => it.paymentIntents.retrieve(ref, { expand: ["latest_charge"] })),
    );

  /** All of a payment's refunds, newest first. */
  async function refundsOf(ref: string, signal: AbortSignal): Promise<RefundReport[]> {
    const found = await ask(signal, (it) =>
      it.refunds.list({ payment_intent: ref, limit: 100 }).autoPagingToArray({ limit: 1_000 }),
    );
    return found.map((it) => refundReport(read(refund, it)));
  }

  async function fetchStatus(ref: string, signal: AbortSignal): Promise<StatusReport> {
    const it = await intent(ref, signal);
    return reportOf(it, it.status === "succeeded" ? await refundsOf(ref, signal) : []);
  }

  /** Repeats with another key where Stripe keeps its own failure under the first, see {@link FailureRepeated}. */
  async function withKey<T>(key: string, call: (idempotencyKey: string) => Promise<T>): Promise<T> {
    for (let n = 1; n <= MAX_KEYS; n++)
      try {
        return await call(n === 1 ? key : `${key}/${n}`);
      } catch (error) {
        if (!(error instanceof FailureRepeated)) throw error;
      }
    throw providerFailed(`stripe failed under ${MAX_KEYS} keys`);
  }

  return {
    name: "stripe",
    webhooksProve: true,

    async createPayment({ paymentId, orderId, orderNumber, email, amount }, signal) {
      const receiptEmail = emailFor(STRIPE_SEND_EMAIL, email);
      // An intent of a failed attempt does no harm: its client secret is unknown to all.
      const created = await withKey(paymentId, (idempotencyKey) =>
        ask(signal, (it) =>
          it.paymentIntents.create(
            {
              ...toStripe(amount),
              automatic_payment_methods: { enabled: true },
              capture_method: STRIPE_CAPTURE ?? "automatic",
              description: `Order ${orderNumber}`,
              ...(receiptEmail !== undefined && { receipt_email: receiptEmail }),
              metadata: { paymentId, orderId },
            },
            { idempotencyKey },
          ),
        ),
      );
      const { id, client_secret } = read(paymentIntent, created);
      if (!client_secret) throw providerFailed("stripe answered without a client secret");
      return {
        providerRef: id,
        nextAction: { type: "client_secret", clientSecret: client_secret },
        expiresAt: null,
      };
    },

    async capture({ providerRef, amount, idempotencyKey }: CaptureRequest, signal) {
      const { amount: amount_to_capture, currency } = toStripe(amount);
      const before = await intent(providerRef, signal);
      if (before.currency !== currency) throw new ProviderRefused("authorized in another currency");
      if (before.status === "requires_capture")
        try {
          await withKey(idempotencyKey, (key) =>
            ask(signal, (it) =>
              it.paymentIntents.capture(providerRef, { amount_to_capture }, { idempotencyKey: key }),
            ),
          );
        } catch (error) {
          // Captured meanwhile, or ended. The status shows it.
          if (!(error instanceof UnexpectedState)) throw error;
        }
      const report = await fetchStatus(providerRef, signal);
      if (report.amount === null || report.status === "authorized")
        throw new ProviderRefused(`there is nothing to capture: ${report.status}`);
      return report;
    },

    async cancel(providerRef, signal) {
      try {
        await ask(signal, (it) =>
          it.paymentIntents.cancel(providerRef, { cancellation_reason: "abandoned" }),
        );
      } catch (error) {
        if (!(error instanceof UnexpectedState)) throw error;
        const { status } = await intent(providerRef, signal);
        if (status === "canceled") return;
        if (status === "succeeded") throw new ProviderRefused("paid already");
        // It may take days with some methods. Its end is reported.
        if (status === "processing") throw new ProviderRefused("Stripe still works on it");
        throw providerFailed(`stripe can't cancel it now: ${status}`, error);
      }
    },

    async refund({ providerRef, amount, reason, idempotencyKey }: RefundRequest, signal) {
      const madeBefore = async () =>
        (await refundsOf(providerRef, signal)).find((it) => it.refundId === idempotencyKey);
      const earlier = await madeBefore();
      if (earlier && (earlier.amount.amount !== amount.amount || earlier.amount.currency !== amount.currency))
        throw new ProviderRefused("refunded before with another amount");
      if (earlier) return earlier;
      const { amount_received, currency } = await intent(providerRef, signal);
      const asked = toStripe(amount);
      if (asked.currency !== currency) throw new ProviderRefused("paid in another currency");
      if (amount_received === 0) throw new ProviderRefused("there is nothing to refund");
      return withKey(idempotencyKey, async (key) => {
        // A run that failed at Stripe may have made it anyway.
        const made = key === idempotencyKey ? undefined : await madeBefore();
        if (made) return made;
        const created = await ask(signal, (it) =>
          it.refunds.create(
            {
              payment_intent: providerRef,
              amount: asked.amount,
              reason: "requested_by_customer",
              metadata: { refundId: idempotencyKey, reason: reason.slice(0, 500) },
            },
            { idempotencyKey: key },
          ),
        );
        return refundReport(read(refund, created));
      });
    },

    fetchStatus,

    async verifyWebhook(webhook) {
      return verify(client.stripe, webhookSecrets, webhook, clock.now());
    },
  };
}
