import { generateKeyPairSync, sign } from "node:crypto";
import { crc32 } from "node:zlib";
import { systemClock } from "../../../../../broker/resilience/clock.ts";
import {
  bytes,
  type WebhookVerifier,
  WHEN,
  webhook,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { verify } from "../webhook.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
function received(body: Buffer, changed: Record<string, string> = {}) {
  const [id, time] = ["1", new Date().toISOString()];
  const signed = Buffer.from([id, time, "W", crc32(body)].join("|"));
  const headers = {
    "paypal-transmission-id": id,
    "paypal-transmission-time": time,
    "paypal-transmission-sig": sign("RSA-SHA256", signed, privateKey).toString("base64"),
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/x",
    "paypal-auth-algo": "SHA256withRSA",
    ...changed,
  };
  const certificates = { check: () => undefined, keyAt: async () => publicKey };
  return verify({ webhookId: "W", clock: systemClock, certificates, postback: null }, webhook(body, headers));
}

export const verifier: WebhookVerifier = {
  ofSignature: async (it) => {
    const sent = ["id", "time", "sig"].map((name) => [`paypal-transmission-${name}`, it]);
    await received(bytes("{}"), Object.fromEntries(sent)).catch(() => undefined);
    await received(bytes("{}"), { "paypal-transmission-time": it });
  },
  ofBody: (it) => received(bytes(it)),
  ofContent: (it) =>
    received(
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
};
