/** A provider's check of webhooks. A text from outside is the signature, the body, or a value in a signed body. */
import type { Webhook } from "../../../../services/payments/providers/provider.ts";

/** `test/webhook-verifier.ts` in a provider's folder exports one. */
export interface WebhookVerifier {
  ofSignature(text: string): unknown;
  /** Signed, where the signature is not in it. */
  ofBody(text: string): unknown;
  /** Signed, and JSON. */
  ofContent(text: string): unknown;
}

export const SECRET = "secret-for-tests-only";
export const WHEN = "2026-01-01T00:00:00Z";

export const bytes = (body: unknown): Buffer =>
  Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

export const webhook = (
  rawBody: Buffer,
  headers: Record<string, string> = {},
  key: string | null = null,
): Webhook => ({ rawBody, headers, key, address: null });
