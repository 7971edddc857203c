/**
 * API keys: `souk_<id>_<secret><checksum>`, in hexadecimal digits. A scanner of published code finds them by
 * `souk_[0-9a-f]{32}_[0-9a-f]{72}`, and tells a key from other text by the CRC-32 of all that is before it. The secret has
 * 256 random bits, so a fast hash of it is as good as a slow one.
 */
import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const KEY = /^souk_([0-9a-f]{32})_([0-9a-f]{64})([0-9a-f]{8})$/;

/** What identifies a key. The secret itself is neither kept nor sent to other nodes. */
export interface KeyProof {
  /** UUID of the key. */
  readonly id: string;
  /** Of the secret. */
  readonly hash: string;
}

/** @returns the key, which is shown once, and the hash, which is stored */
export function makeApiKey(id: string): { key: string; hash: string } {
  const secret = randomBytes(32).toString("hex");
  const unchecked = `souk_${id.replaceAll("-", "")}_${secret}`;
  return { key: unchecked + checksum(unchecked), hash: hashSecret(secret) };
}

/** Whether a bearer token is meant to be a key. */
export const isApiKey = (token: string): boolean => token.startsWith("souk_");

/** @returns undefined for any text that {@link makeApiKey} can't have made */
export function parseApiKey(token: string): KeyProof | undefined {
  const [, id, secret, check] = KEY.exec(token) ?? [];
  if (id === undefined || secret === undefined || check !== checksum(token.slice(0, -8))) return undefined;
  const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join("-");
  return { id: uuid, hash: hashSecret(secret) };
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

const hashSecret = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
