/** Each provider's check of webhooks, with a text from outside as the signature, as the body, and as what a signed body says. */
import { generateKeyPairSync, sign as signWith } from "node:crypto";
import { crc32 } from "node:zlib";
import Stripe from "stripe";
import { newId } from "../../../../broker/contract/ids.ts";
import { systemClock } from "../../../../broker/resilience/clock.ts";
import {
  signature,
  verifyNotification,
} from "../../../../services/payments/providers/midtrans/notification.ts";
import { receiveCallback } from "../../../../services/payments/providers/mpesa/callback.ts";
import { callbackKey } from "../../../../services/payments/providers/mpesa/callback-key.ts";
import { verify as verifyPayPal } from "../../../../services/payments/providers/paypal/webhook.ts";
import { sign, verify as verifySandbox } from "../../../../services/payments/providers/sandbox/signature.ts";
import { parseWebhook } from "../../../../services/payments/providers/sandbox/webhook-body.ts";
import { verify as verifyStripe } from "../../../../services/payments/providers/stripe/webhook.ts";
import { verifyCallback } from "../../../../services/payments/providers/xendit/webhook.ts";

interface Verifier {
  ofSignature(text: string): unknown;
  /** Signed, where the signature is not in it. */
  ofBody(text: string): unknown;
  /** Signed, and JSON. */
  ofContent(text: string): unknown;
}

const SECRET = "secret-for-tests-only";
const bytes = (body: unknown): Buffer => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
const webhook = (rawBody: Buffer, headers: Record<string, string> = {}, key: string | null = null) => ({
  rawBody,
  headers,
  key,
  address: null,
});
const WHEN = "2026-01-01T00:00:00Z";

function sandbox(body: Buffer, header = sign(SECRET, body, Date.now())) {
  verifySandbox(SECRET, body, header, Date.now());
  return parseWebhook(body);
}

const stripe = new Stripe("sk_test_for_tests_only");
function stripes(body: Buffer, header?: string) {
  const signed = stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret: SECRET });
  return verifyStripe(stripe, [SECRET], webhook(body, { "stripe-signature": header ?? signed }), Date.now());
}

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
function paypals(body: Buffer, changed: Record<string, string> = {}) {
  const [id, time] = ["1", new Date().toISOString()];
  const signed = Buffer.from([id, time, "W", crc32(body)].join("|"));
  const headers = {
    "paypal-transmission-id": id,
    "paypal-transmission-time": time,
    "paypal-transmission-sig": signWith("RSA-SHA256", signed, privateKey).toString("base64"),
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/x",
    "paypal-auth-algo": "SHA256withRSA",
    ...changed,
  };
  const certificates = { check: () => undefined, keyAt: async () => publicKey };
  return verifyPayPal(
    { webhookId: "W", clock: systemClock, certificates, postback: null },
    webhook(body, headers),
  );
}

const xendits = (body: Buffer, token = SECRET) =>
  verifyCallback(SECRET, webhook(body, { "x-callback-token": token }));

const about = { paymentId: newId(), refundId: null };
function safaricoms(body: Buffer, key = callbackKey(SECRET, about)) {
  const pushes = { findOneAndUpdate: async () => null } as never;
  const receiver = { pushes, clock: systemClock, callbackSecret: SECRET, allowed: undefined };
  return receiveCallback(receiver, webhook(body, {}, key));
}

export const webhookVerifiers: Record<string, Verifier> = {
  sandbox: {
    ofSignature: (it) => sandbox(bytes("{}"), it),
    ofBody: (it) => sandbox(bytes(it)),
    ofContent: (it) =>
      sandbox(
        bytes({
          id: it,
          type: it,
          createdAt: it,
          data: { ref: it, reference: it, amount: { value: 1, currency: it }, receipt: it, reason: it },
        }),
      ),
  },
  stripe: {
    ofSignature: (it) => stripes(bytes("{}"), it),
    ofBody: (it) => stripes(bytes(it)),
    ofContent: (it) =>
      stripes(
        bytes({
          id: "evt_1",
          object: "event",
          type: "charge.refunded",
          created: 1,
          data: { object: { id: it, currency: it, metadata: { [it]: it }, payment_intent: { id: it } } },
        }),
      ),
  },
  paypal: {
    ofSignature: async (it) => {
      const sent = ["id", "time", "sig"].map((name) => [`paypal-transmission-${name}`, it]);
      await paypals(bytes("{}"), Object.fromEntries(sent)).catch(() => undefined);
      await paypals(bytes("{}"), { "paypal-transmission-time": it });
    },
    ofBody: (it) => paypals(bytes(it)),
    ofContent: (it) =>
      paypals(
        bytes({
          id: "WH-1",
          event_type: "PAYMENT.CAPTURE.REFUNDED",
          create_time: WHEN,
          resource: {
            id: "R",
            status: "COMPLETED",
            amount: { currency_code: "USD", value: it },
            custom_id: it,
            links: [{ rel: "up", href: it }],
          },
        }),
      ),
  },
  midtrans: {
    ofSignature: (it) =>
      verifyNotification(
        SECRET,
        bytes({ order_id: "1", status_code: "200", gross_amount: "1.00", signature_key: it }),
      ),
    ofBody: (it) => verifyNotification(SECRET, bytes(it)),
    ofContent: (it) => {
      const claim = { order_id: "1", status_code: "200", gross_amount: "1.00" };
      const more = { transaction_id: it, transaction_status: it, currency: it, transaction_time: it };
      const refunds = [{ refund_amount: it, refund_key: it, reason: it }];
      return verifyNotification(
        SECRET,
        bytes({ ...claim, ...more, refunds, signature_key: signature(claim, SECRET) }),
      );
    },
  },
  xendit: {
    ofSignature: (it) => xendits(bytes("{}"), it),
    ofBody: (it) => xendits(bytes(it)),
    ofContent: (it) => {
      xendits(bytes({ event: it, data: {} }));
      const times = { created: WHEN, updated: it, paid_at: it };
      return xendits(bytes({ id: it, external_id: it, status: it, amount: 1, currency: it, ...times }));
    },
  },
  mpesa: {
    ofSignature: (it) => safaricoms(bytes("{}"), it),
    ofBody: (it) => safaricoms(bytes(it)),
    ofContent: (it) => {
      const items = ["Amount", "MpesaReceiptNumber", "TransactionDate"];
      const metadata = { Item: items.map((Name) => ({ Name, Value: it })) };
      return safaricoms(
        bytes({
          Body: {
            stkCallback: {
              CheckoutRequestID: "1",
              ResultCode: "0",
              ResultDesc: it,
              CallbackMetadata: metadata,
            },
          },
        }),
      );
    },
  },
};
