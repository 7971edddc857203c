/**
 * The last path segment of callback addresses. It is the only authentication: the payment's (and refund's) id, and a
 * MAC of them. Only we and Safaricom know it, and it is valid for this payment only.
 */
import { createHmac } from "node:crypto";
import { sameSecret } from "../../../../broker/contract/secrets/same-secret.ts";

export interface About {
  readonly paymentId: string;
  /** Null for the push itself. */
  readonly refundId: string | null;
}

const MAC_CHARACTERS = 22;
const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const KEY = new RegExp(`^(${UUID})(?:\\.(${UUID}))?\\.([A-Za-z0-9_-]{${MAC_CHARACTERS}})$`);

/** 128 bits of HMAC-SHA256. */
const mac = (secret: string, ids: string): string =>
  createHmac("sha256", secret).update(`mpesa callback ${ids}`).digest("base64url").slice(0, MAC_CHARACTERS);

export function callbackKey(secret: string, { paymentId, refundId }: About): string {
  const ids = refundId === null ? paymentId : `${paymentId}.${refundId}`;
  return `${ids}.${mac(secret, ids)}`;
}

/** @returns null for a key that is not ours */
export function readCallbackKey(secret: string, key: string | null): About | null {
  const [, paymentId, refundId = null, given] = KEY.exec(key ?? "") ?? [];
  if (!paymentId || !given) return null;
  const ids = refundId === null ? paymentId : `${paymentId}.${refundId}`;
  return sameSecret(given, mac(secret, ids)) ? { paymentId, refundId } : null;
}
