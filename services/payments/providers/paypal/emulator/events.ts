/** PayPal's events: signed with a certificate, repeated up to 25 times within three days. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import type { Call } from "../../support/emulator/http-app.ts";
import type { Kit } from "../../support/emulator/kit.ts";
import type { WebhookSenderOptions } from "../../support/emulator/webhook-sender.ts";
import type { Signer } from "./certificate.ts";

const MINUTE = 60_000;
const REPEATS = 25;
const LONGEST = 225 * MINUTE;

/**
 * 2, 4, 8 … minutes, then every 3¾ hours: 25 repeats in about three days. PayPal does not document its exact steps.
 */
export const retry: WebhookSenderOptions["retry"] = (failures) =>
  failures > REPEATS ? null : Math.min(LONGEST, MINUTE * 2 ** failures);

/** Sends an event about the present state of a resource. */
export type SendEvent = (type: string, resourceType: string, resource: object, cause?: Call) => void;

export interface EventSenderOptions {
  readonly kit: Kit;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly webhookId: string;
  certUrl(): string;
}

export function eventSender({ kit, clock, signer, webhookId, certUrl }: EventSenderOptions): SendEvent {
  return (event_type, resource_type, resource, cause) => {
    const id = `WH-${kit.token(17).toUpperCase()}-${kit.token(17).toUpperCase()}`;
    const event = {
      id,
      event_version: "1.0",
      create_time: new Date(clock.now()).toISOString(),
      resource_type,
      resource_version: "2.0",
      event_type,
      summary: event_type.toLowerCase().replaceAll(".", " "),
      resource,
      links: [
        { href: `${kit.url()}/v1/notifications/webhooks-events/${id}`, rel: "self", method: "GET" },
        { href: `${kit.url()}/v1/notifications/webhooks-events/${id}/resend`, rel: "resend", method: "POST" },
      ],
    };
    kit.webhookSender.send({ url: null, body: JSON.stringify(event), headers }, cause);
  };

  function headers(body: string): Record<string, string> {
    const transmissionId = randomUUID();
    const at = new Date(clock.now()).toISOString();
    return {
      "paypal-transmission-id": transmissionId,
      "paypal-transmission-time": at,
      "paypal-transmission-sig": signer.sign(transmissionId, at, webhookId, body),
      "paypal-cert-url": certUrl(),
      "paypal-auth-algo": "SHA256withRSA",
    };
  }
}
