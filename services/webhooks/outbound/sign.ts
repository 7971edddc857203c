/** Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body, one for each key that is good. */
import { createHmac } from "node:crypto";

export interface Signed {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/** The value of `webhook-signature`. */
export const signatures = (keys: readonly Buffer[], { id, timestamp, body }: Signed): string =>
  keys
    .map((key) => `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`)
    .join(" ");

export const CONTENT_TYPE = "application/cloudevents+json";

/** Headers of a request, but the signature. */
export const headersOf = ({ id, timestamp }: Pick<Signed, "id" | "timestamp">): Record<string, string> => ({
  "content-type": CONTENT_TYPE,
  "user-agent": "Souk-Webhooks/1",
  "webhook-id": id,
  "webhook-timestamp": String(timestamp),
});
