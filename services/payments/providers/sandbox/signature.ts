/** How the sandbox signs its webhooks: `Sandbox-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { WebhookRejected } from "../provider.ts";

export const SIGNATURE_HEADER = "sandbox-signature";
/** How far a signature's time may differ from ours, in both directions. */
export const TOLERANCE_S = 300;

const hmac = (secret: string, seconds: string, body: string | Buffer): Buffer =>
  createHmac("sha256", secret).update(`${seconds}.`).update(body).digest();

/** @param at milliseconds since the epoch */
export function sign(secret: string, body: string | Buffer, at: number): string {
  const seconds = String(Math.floor(at / 1_000));
  return `t=${seconds},v1=${hmac(secret, seconds, body).toString("hex")}`;
}

/**
 * Accepts when any `v1` matches, so that secrets can be rotated.
 * @param at milliseconds since the epoch
 * @throws {WebhookRejected}
 */
export function verify(secret: string, body: Buffer, header: string | undefined, at: number): void {
  if (!header) throw new WebhookRejected("not signed");
  const parts = header
    .slice(0, 1_000)
    .split(",")
    .map((it) => it.trim().split("="));
  const seconds = parts.find(([key]) => key === "t")?.[1] ?? "";
  if (!/^\d{1,12}$/.test(seconds)) throw new WebhookRejected("the signature has no time");
  const expected = hmac(secret, seconds, body);
  const fits = parts
    .filter(([key, value]) => key === "v1" && /^[0-9a-f]{64}$/.test(value ?? ""))
    .some(([, value = ""]) => timingSafeEqual(expected, Buffer.from(value, "hex")));
  if (!fits) throw new WebhookRejected("the signature is wrong");
  if (Math.abs(at / 1_000 - Number(seconds)) > TOLERANCE_S)
    throw new WebhookRejected("the signature is too old, or from the future");
}
