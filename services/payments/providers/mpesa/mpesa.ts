/**
 * M-Pesa Express (STK push) by Safaricom's Daraja, in Kenyan shillings. The customer's phone asks for the PIN. There
 * is no official client for Node. Daraja has no idempotency keys and signs nothing: see push.ts and callback-key.ts.
 */
import { z } from "zod";
import { secret } from "../../../../broker/contract/variables.ts";
import { defineProvider } from "../define-provider.ts";
import { type PaymentProvider, type ProviderContext, ProviderRefused } from "../provider.ts";
import { apiBase } from "../support/api-base.ts";
import { isConfigured } from "../support/settings.ts";
import { allowedAddresses } from "./allowed-addresses.ts";
import { receiveCallback } from "./callback.ts";
import { createDaraja, type Initiator } from "./daraja.ts";
import { mpesaOptions, msisdn } from "./phone.ts";
import { mpesaPushes, pushOf } from "./push.model.ts";
import { pushToPhone } from "./push.ts";
import { PAID, reportOf } from "./report.ts";
import { reverse } from "./reverse.ts";

const digits = z.string().regex(/^\d{5,10}$/, "must be 5 to 10 digits");
const text = z.string().min(1).max(2_000);

const variables = z.object({
  MPESA_CONSUMER_KEY: text
    .optional()
    .describe("Consumer key of the Daraja app; without the first five of these there is no provider mpesa"),
  MPESA_CONSUMER_SECRET: text.optional().describe("Consumer secret of the Daraja app"),
  MPESA_SHORTCODE: digits.optional().describe("Pay bill number, or of a till the number of its store"),
  MPESA_PASSKEY: secret.optional().describe("Passkey of the short code for M-Pesa Express"),
  MPESA_CALLBACK_SECRET: secret
    .optional()
    .describe("Our own secret, from which the addresses that Safaricom calls back are made"),
  MPESA_TRANSACTION_TYPE: z
    .enum(["CustomerPayBillOnline", "CustomerBuyGoodsOnline"])
    .optional()
    .describe("CustomerPayBillOnline unless set; CustomerBuyGoodsOnline for a till"),
  MPESA_TILL: digits.optional().describe("Till that is paid, where it is not the short code"),
  MPESA_ALLOWED_ADDRESSES: z
    .string()
    .optional()
    .transform((it, context) => {
      try {
        return it === undefined ? undefined : allowedAddresses(it);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
        return z.NEVER;
      }
    })
    .describe(
      "Addresses and networks that callbacks may come from, separated by commas; any unless set. Needs TRUST_PROXY behind a proxy",
    ),
  MPESA_INITIATOR_NAME: text
    .optional()
    .describe("API operator who may reverse; without it refunds are made by hand"),
  MPESA_SECURITY_CREDENTIAL: text
    .optional()
    .describe("That operator's password, encrypted with Safaricom's certificate, base64"),
  MPESA_API_BASE: apiBase
    .optional()
    .describe(
      "Address of Daraja; https://api.safaricom.co.ke unless set, https://sandbox.safaricom.co.ke is its sandbox",
    ),
});
type Settings = z.output<typeof variables>;

export const mpesa = defineProvider({
  name: "mpesa",
  title: "M-Pesa",
  currencies: ["KES"],
  variables,
  secrets: [
    "MPESA_CONSUMER_KEY",
    "MPESA_CONSUMER_SECRET",
    "MPESA_PASSKEY",
    "MPESA_CALLBACK_SECRET",
    "MPESA_SECURITY_CREDENTIAL",
  ],
  options: mpesaOptions,
  findBy: { phone: msisdn },
  // A result that is late by more than that does not come by itself.
  processingMs: 2 * 86_400_000,
  emulator: async () => (await import("./emulator/mpesa.ts")).startMpesa,
  create: (context, settings) => (isComplete(settings) ? createMpesa(context, settings) : null),
});

const NEEDED = [
  "MPESA_CONSUMER_KEY",
  "MPESA_CONSUMER_SECRET",
  "MPESA_SHORTCODE",
  "MPESA_PASSKEY",
  "MPESA_CALLBACK_SECRET",
] as const;
type Complete = Settings & Required<{ [K in (typeof NEEDED)[number]]: string }>;

function isComplete(settings: Settings): settings is Complete {
  const { MPESA_INITIATOR_NAME, MPESA_SECURITY_CREDENTIAL } = settings;
  isConfigured("mpesa's reversals", { MPESA_INITIATOR_NAME, MPESA_SECURITY_CREDENTIAL });
  const needed = Object.fromEntries(NEEDED.map((name) => [name, settings[name]]));
  const { MPESA_CONSUMER_KEY: _key, ...others } = settings;
  return isConfigured("mpesa", needed, others);
}

function createMpesa(context: ProviderContext, settings: Complete): PaymentProvider {
  const { clock, database, webhookUrl } = context;
  const pushes = mpesaPushes(database);
  const daraja = createDaraja(
    {
      base: settings.MPESA_API_BASE ?? "https://api.safaricom.co.ke",
      consumerKey: settings.MPESA_CONSUMER_KEY,
      consumerSecret: settings.MPESA_CONSUMER_SECRET,
      shortcode: settings.MPESA_SHORTCODE,
      passkey: settings.MPESA_PASSKEY,
      transactionType: settings.MPESA_TRANSACTION_TYPE ?? "CustomerPayBillOnline",
      till: settings.MPESA_TILL ?? settings.MPESA_SHORTCODE,
    },
    clock,
  );
  const callbackSecret = settings.MPESA_CALLBACK_SECRET;
  const initiator = initiatorOf(settings);

  return {
    name: "mpesa",
    // Nothing is signed. A callback is only a hint.
    webhooksProve: false,
    webhookAnswer: { ResultCode: 0, ResultDesc: "Accepted" },

    createPayment: (intent, signal) =>
      pushToPhone({ pushes, daraja, clock, callbackSecret, webhookUrl }, intent, signal),

    /** The money is taken when the customer enters the PIN. Nothing is captured later. */
    async capture({ providerRef }, signal) {
      const push = await pushOf(pushes, providerRef);
      const report = reportOf(push, await daraja.query(providerRef, signal), clock.now());
      if (report.amount === null) throw new ProviderRefused("not paid");
      return report;
    },

    /** A prompt can't be withdrawn. It ends by itself within two minutes. A payment on it is reported. */
    async cancel(ref, signal) {
      const push = await pushOf(pushes, ref);
      const { status, amount } = reportOf(push, await daraja.query(ref, signal), clock.now());
      if (amount) throw new ProviderRefused("paid already");
      if (status === "pending") throw new ProviderRefused("the phone still asks for the PIN");
      if (status === "processing") throw new ProviderRefused("mpesa still works on it");
    },

    refund: (request, signal) =>
      reverse({ pushes, daraja, clock, callbackSecret, webhookUrl, initiator }, request, signal),

    async fetchStatus(ref, signal) {
      const known = await pushOf(pushes, ref);
      // Only paid money is reversed. Daraja forgets its pushes earlier than we need to know about a refund.
      if (known.reversals.length > 0) return reportOf(known, PAID, clock.now());
      const answer = await daraja.query(ref, signal);
      // Read after the answer, so that a callback which came meanwhile counts.
      return reportOf(await pushOf(pushes, ref), answer, clock.now());
    },

    verifyWebhook: (webhook) =>
      receiveCallback({ pushes, clock, callbackSecret, allowed: settings.MPESA_ALLOWED_ADDRESSES }, webhook),
  };
}

const initiatorOf = ({ MPESA_INITIATOR_NAME, MPESA_SECURITY_CREDENTIAL }: Settings): Initiator | null =>
  MPESA_INITIATOR_NAME && MPESA_SECURITY_CREDENTIAL
    ? { name: MPESA_INITIATOR_NAME, securityCredential: MPESA_SECURITY_CREDENTIAL }
    : null;
