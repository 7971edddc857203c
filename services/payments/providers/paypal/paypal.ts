/**
 * PayPal by Orders v2: the customer approves at PayPal, then the shop captures. Nothing is taken before. An order
 * that was not captured can't be cancelled at PayPal, and expires by itself. An ended payment is never captured, so
 * its approval has no effect. PayPal signs only a CRC-32 of a webhook, which other bodies can match. So its content
 * is verified by a question.
 */
import { z } from "zod";
import { ConfigError, secret } from "../../../../broker/contract/variables.ts";
import { defineProvider } from "../define-provider.ts";
import {
  type CaptureRequest,
  type PaymentProvider,
  type ProviderContext,
  ProviderMisconfigured,
  ProviderRefused,
  providerFailed,
  type RefundReport,
  type RefundRequest,
  type StatusReport,
} from "../provider.ts";
import { apiBase } from "../support/api-base.ts";
import { emailFor, sendEmail } from "../support/email.ts";
import { returnAddress, returnPage } from "../support/return-address.ts";
import { SUPPORTED, toPayPal } from "./amounts.ts";
import { createApi, PayPalRefused } from "./api.ts";
import { createCertificates } from "./certificates.ts";
import {
  capture as captureSchema,
  capturesOf,
  disputes,
  isProcessing,
  type Order,
  order,
  paymentIdOf,
  refund,
  refundCustomId,
  refundReport,
  reportOf,
  unitOf,
} from "./objects.ts";
import { createTokens } from "./token.ts";
import { verify } from "./webhook.ts";

const page = z
  .string()
  .max(1_000)
  .refine((it) => /^https?:\/\//.test(it) && URL.canParse(it), "must be an http:// or https:// address");

const variables = z.object({
  PAYPAL_CLIENT_ID: z
    .string()
    .min(8)
    .optional()
    .describe("PayPal's client id; PayPal is offered where it is set"),
  PAYPAL_CLIENT_SECRET: secret.optional().describe("PayPal's client secret"),
  PAYPAL_WEBHOOK_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,50}$/, "must be letters and digits")
    .optional()
    .describe("Id that PayPal has given the webhook"),
  PAYPAL_API_BASE: apiBase
    .optional()
    .describe(
      "Where PayPal's API is; https://api-m.paypal.com unless set (sandbox: https://api-m.sandbox.paypal.com)",
    ),
  PAYPAL_INTENT: z
    .enum(["capture", "authorize"])
    .optional()
    .describe("authorize holds the money first, so that a part of it can be captured; capture unless set"),
  PAYPAL_RETURN_URL: page
    .optional()
    .describe("Where customers come back to; a page of the gateway unless set"),
  PAYPAL_CANCEL_URL: page
    .optional()
    .describe("Where customers go who cancel at PayPal; a page of the gateway unless set"),
  PAYPAL_SEND_EMAIL: sendEmail("on: PayPal's page has the customer's e-mail address filled in"),
  PAYPAL_VERIFY: z
    .enum(["offline", "postback"])
    .optional()
    .describe("postback asks PayPal about each webhook; offline, which looks at its signature, unless set"),
  PAYPAL_CERT_HOSTS: z
    .string()
    .regex(/^[a-z0-9.:-]+(,\s*[a-z0-9.:-]+)*$/, "must be hosts, separated by commas")
    .optional()
    .describe("Hosts of certificates besides *.paypal.com, such as an emulator's 127.0.0.1:port"),
});

type Settings = z.output<typeof variables>;
/** Time limit, because PayPal waits for the answer to its webhook meanwhile. */
const LOOK_UP_MS = 8_000;
const NEEDED = ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID"] as const;

export const paypal = defineProvider({
  name: "paypal",
  title: "PayPal",
  currencies: [...SUPPORTED],
  variables,
  secrets: ["PAYPAL_CLIENT_SECRET"],
  emulator: async () => (await import("./emulator/paypal.ts")).startPayPal,
  create(context, settings): PaymentProvider | null {
    const given = Object.entries(settings).find(([, value]) => value !== undefined);
    if (!given) return null;
    const missing = NEEDED.find((name) => settings[name] === undefined);
    if (missing) throw new ConfigError(`${missing}: must be set where ${given[0]} is`);
    return createPayPal(context, settings);
  },
});

function createPayPal({ clock, log, publicUrl }: ProviderContext, settings: Settings): PaymentProvider {
  const base = settings.PAYPAL_API_BASE ?? "https://api-m.paypal.com";
  const tokens = createTokens(
    {
      base,
      clientId: settings.PAYPAL_CLIENT_ID ?? "",
      clientSecret: settings.PAYPAL_CLIENT_SECRET ?? "",
    },
    clock,
  );
  const api = createApi(base, tokens);
  const hosts = settings.PAYPAL_CERT_HOSTS?.split(",").map((it) => it.trim()) ?? [];
  const verifier = {
    webhookId: settings.PAYPAL_WEBHOOK_ID ?? "",
    clock,
    certificates: createCertificates(hosts, clock),
    postback: settings.PAYPAL_VERIFY === "postback" ? api : null,
  };

  const orderAt = (ref: string) => `/v2/checkout/orders/${encodeURIComponent(ref)}`;
  const find = (ref: string, signal: AbortSignal): Promise<Order> =>
    api.request(order, { method: "GET", path: orderAt(ref), signal });

  async function fetchStatus(ref: string, signal: AbortSignal): Promise<StatusReport> {
    const it = await find(ref, signal);
    const report = reportOf(it);
    if (!report.receipt || capturesOf(it).length === 0) return report;
    const disputed = await isDisputed(report.receipt, signal);
    if (disputed === null) return { ...report, disputesUnseen: true };
    return disputed ? { ...report, status: "disputed" } : report;
  }

  /** Refunds and disputes name only the capture. A capture that PayPal does not know is used as it is. */
  async function orderOf(captureId: string): Promise<string> {
    const path = `/v2/payments/captures/${encodeURIComponent(captureId)}`;
    const signal = AbortSignal.timeout(LOOK_UP_MS);
    try {
      const found = await api.request(captureSchema, { method: "GET", path, signal });
      return found.supplementary_data?.related_ids?.order_id ?? captureId;
    } catch (error) {
      if (error instanceof PayPalRefused && error.status === 404) return captureId;
      throw error;
    }
  }

  /** Null where we have no permission to look. */
  async function isDisputed(captureId: string, signal: AbortSignal): Promise<boolean | null> {
    const path = `/v1/customer/disputes?disputed_transaction_id=${encodeURIComponent(captureId)}`;
    try {
      const { items } = await api.request(disputes, { method: "GET", path, signal });
      return items.length > 0;
    } catch (error) {
      if (!(error instanceof ProviderMisconfigured)) throw error;
      // An app may lack this permission. Everything else works.
      log.warn("paypal does not let us look at disputes", { reason: error.message });
      return null;
    }
  }

  /** Captures an approved order as requested. PayPal's issue codes show races. */
  async function take(
    it: Order,
    { amount, idempotencyKey, providerRef }: CaptureRequest,
    signal: AbortSignal,
  ) {
    const asked = toPayPal(amount);
    const whole = unitOf(it).amount;
    if (whole && whole.currency_code !== asked.currency_code)
      throw new ProviderRefused("approved in another currency");
    if (it.intent !== "AUTHORIZE") {
      if (whole && whole.value !== asked.value)
        throw new ProviderRefused(
          "PayPal takes the whole order, unless it was opened with PAYPAL_INTENT=authorize",
        );
      const path = `${orderAt(providerRef)}/capture`;
      await api.request(z.unknown(), { method: "POST", path, body: "{}", requestId: idempotencyKey, signal });
      return;
    }
    const held = unitOf(it).payments.authorizations.at(-1) ?? (await authorize(providerRef, signal));
    await api.request(captureSchema, {
      method: "POST",
      path: `/v2/payments/authorizations/${encodeURIComponent(held.id)}/capture`,
      // The rest returns to the customer.
      body: JSON.stringify({ amount: asked, final_capture: true }),
      requestId: idempotencyKey,
      signal,
    });
  }

  async function authorize(ref: string, signal: AbortSignal) {
    const path = `${orderAt(ref)}/authorize`;
    const requestId = `authorize-${ref}`;
    const done = await api.request(order, { method: "POST", path, body: "{}", requestId, signal });
    const made = unitOf(done).payments.authorizations.at(-1);
    if (!made) throw providerFailed("paypal answered without an authorization");
    return made;
  }

  return {
    name: "paypal",
    webhooksProve: false,
    fetchStatus,

    async createPayment(intent, signal) {
      const { paymentId, orderNumber, amount, returnUrl } = intent;
      const page = returnPage(publicUrl());
      const email = emailFor(settings.PAYPAL_SEND_EMAIL, intent.email);
      const body = {
        intent: settings.PAYPAL_INTENT === "authorize" ? "AUTHORIZE" : "CAPTURE",
        purchase_units: [
          {
            amount: toPayPal(amount),
            custom_id: paymentId,
            description: `Order ${orderNumber}`,
            // Invoice ids are unique at PayPal, and an order may be paid at the second attempt.
            invoice_id: `${orderNumber}-${paymentId.slice(-12)}`,
          },
        ],
        payment_source: {
          paypal: {
            ...(email !== undefined && { email_address: email }),
            experience_context: {
              user_action: "PAY_NOW",
              shipping_preference: "NO_SHIPPING",
              return_url: returnAddress(returnUrl ?? settings.PAYPAL_RETURN_URL ?? page, intent, "succeeded"),
              cancel_url: returnAddress(returnUrl ?? settings.PAYPAL_CANCEL_URL ?? page, intent, "cancelled"),
            },
          },
        },
      };
      const { id, links } = await api.request(order.pick({ id: true, links: true }), {
        method: "POST",
        path: "/v2/checkout/orders",
        body: JSON.stringify(body),
        requestId: paymentId,
        signal,
      });
      const link = links.find(({ rel }) => rel === "payer-action" || rel === "approve");
      if (!link || !/^https?:\/\//.test(link.href) || !URL.canParse(link.href))
        throw providerFailed("paypal answered without an address to approve at");
      return { providerRef: id, nextAction: { type: "redirect", url: link.href }, expiresAt: null };
    },

    async capture(request, signal) {
      const before = await find(request.providerRef, signal);
      const { status } = reportOf(before);
      if (status === "authorized") {
        try {
          await take(before, request, signal);
        } catch (error) {
          // Captured meanwhile. The status shows it.
          if (!(error instanceof PayPalRefused && DONE_BEFORE.has(error.issue))) throw error;
        }
      } else if (capturesOf(before).length === 0 && status !== "pending" && status !== "processing")
        throw new ProviderRefused(`there is nothing to capture: ${status}`);
      else if (unitOf(before).payments.captures.length === 0) throw new ProviderRefused("not approved yet");
      return fetchStatus(request.providerRef, signal);
    },

    async cancel(providerRef, signal) {
      const it = await find(providerRef, signal);
      if (capturesOf(it).length > 0) throw new ProviderRefused("paid already");
      // An e-check can't be called back. Its end is reported.
      if (isProcessing(it)) throw new ProviderRefused("PayPal still works on it");
      const held = unitOf(it).payments.authorizations.find(({ status }) => status === "CREATED");
      if (!held) return;
      const path = `/v2/payments/authorizations/${encodeURIComponent(held.id)}/void`;
      try {
        await api.request(z.unknown(), { method: "POST", path, body: "{}", signal });
      } catch (error) {
        if (!(error instanceof PayPalRefused && error.issue === "PREVIOUSLY_VOIDED")) throw error;
      }
    },

    async refund(
      { providerRef, receipt, amount, reason, idempotencyKey }: RefundRequest,
      signal,
    ): Promise<RefundReport> {
      const it = await find(providerRef, signal);
      const { payments, custom_id } = unitOf(it);
      const earlier = payments.refunds.map(refundReport).find((made) => made.refundId === idempotencyKey);
      if (earlier && (earlier.amount.amount !== amount.amount || earlier.amount.currency !== amount.currency))
        throw new ProviderRefused("refunded before with another amount");
      if (earlier) return earlier;
      const captures = capturesOf(it);
      const from = captures.find(({ id }) => id === receipt) ?? captures[0];
      if (!from) throw new ProviderRefused("there is nothing to refund");
      const asked = toPayPal(amount);
      if (from.amount.currency_code !== asked.currency_code)
        throw new ProviderRefused("paid in another currency");
      const made = await api.request(refund, {
        method: "POST",
        path: `/v2/payments/captures/${encodeURIComponent(from.id)}/refund`,
        body: JSON.stringify({
          amount: asked,
          custom_id: refundCustomId(paymentIdOf(custom_id) ?? providerRef, idempotencyKey),
          note_to_payer: reason.slice(0, 255),
        }),
        requestId: idempotencyKey,
        signal,
      });
      return { ...refundReport(made), refundId: idempotencyKey };
    },

    async verifyWebhook(webhook) {
      const { names, ...event } = await verify(verifier, webhook);
      if (names === "order") return event;
      return { ...event, providerRef: await orderOf(event.providerRef) };
    },
  };
}

const DONE_BEFORE = new Set([
  "ORDER_ALREADY_CAPTURED",
  "ORDER_ALREADY_COMPLETED",
  "AUTHORIZATION_ALREADY_CAPTURED",
]);
