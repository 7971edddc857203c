/** Stripe's events: those that an endpoint subscribes to, signed in Stripe's way, repeated for three days. */
import { createHmac } from "node:crypto";
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import type { Call } from "../../support/emulator/http-app.ts";
import type { Kit } from "../../support/emulator/kit.ts";
import type { WebhookSenderOptions } from "../../support/emulator/webhook-sender.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Stripe promises three days of exponential back-off, not its exact steps. */
const WAITS = [
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
];

export const retry: WebhookSenderOptions["retry"] = (failures) => WAITS[failures - 1] ?? null;

/** `t=…,v1=…`, one v1 for each secret. There are several while a secret is rotated. */
function signature(body: string, secrets: readonly string[], now: number): string {
  const seconds = Math.floor(now / 1_000);
  const signed = secrets.map(
    (secret) => `v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`,
  );
  return [`t=${seconds}`, ...signed].join(",");
}

/** Sends an event about the present state of an object. */
export type SendEvent = (type: string, object: object, cause?: Call) => void;

export function eventSender(kit: Kit, clock: Clock, secrets: () => readonly string[]): SendEvent {
  return (type, object, cause) => {
    const event = {
      id: `evt_${kit.token(24)}`,
      object: "event",
      api_version: "2026-10-28.endive",
      created: Math.floor(clock.now() / 1_000),
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: cause?.headers["idempotency-key"] ?? null },
      type,
    };
    kit.webhookSender.send(
      {
        url: null,
        body: JSON.stringify(event, null, 2),
        headers: (body) => ({ "stripe-signature": signature(body, secrets(), clock.now()) }),
      },
      cause,
    );
  };
}
