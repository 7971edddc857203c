/**
 * Refresh tokens, opaque to clients: `base64url(session id · verifier · secret)`. The verifier is random and the same
 * in all tokens of a session. A caller that has it once had a token of that session. The secret changes at each use.
 * The server stores only hashes.
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { parse, stringify } from "uuid";

export interface RefreshToken {
  sessionId: string;
  verifier: Buffer;
  secret: Buffer;
}

const ID_BYTES = 16;
const VERIFIER_BYTES = 16;
const SECRET_BYTES = 32;

export const newVerifier = (): Buffer => randomBytes(VERIFIER_BYTES);
export const newSecret = (): Buffer => randomBytes(SECRET_BYTES);

export function formatRefreshToken({ sessionId, verifier, secret }: RefreshToken): string {
  return Buffer.concat([parse(sessionId), verifier, secret]).toString("base64url");
}

/** Undefined for any text that {@link formatRefreshToken} can't have made. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== ID_BYTES + VERIFIER_BYTES + SECRET_BYTES) return undefined;
  if (bytes.toString("base64url") !== text) return undefined;
  try {
    return {
      sessionId: stringify(bytes, 0),
      verifier: bytes.subarray(ID_BYTES, ID_BYTES + VERIFIER_BYTES),
      secret: bytes.subarray(ID_BYTES + VERIFIER_BYTES),
    };
  } catch (error) {
    // The first 16 bytes are no UUID.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * The secret that follows `secret`. It needs the salt, which the server stores, and the secret, which only the client
 * has. So the server can repeat its answer without having stored it. Neither part alone leads to the next token.
 */
export const successor = (secret: Buffer, salt: string): Buffer =>
  createHmac("sha256", secret).update(salt).digest();

export const hashToken = (bytes: Buffer | string): string =>
  createHash("sha256").update(bytes).digest("base64url");
