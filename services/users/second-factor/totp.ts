/** Codes of authenticator apps (RFC 6238), and recovery codes. */
import { hash, randomBytes } from "node:crypto";
import { Secret, TOTP } from "otpauth";

/** So many steps of 30 s may a phone's clock be off, to either side. */
const WINDOW = 1;
const SECRET_BYTES = 20;
export const RECOVERY_CODES = 10;
/** Of a recovery code: too many to try, also for who has the hashes. */
const RECOVERY_BYTES = 10;

const totpOf = (secret: string, label = "", issuer = "") =>
  new TOTP({ issuer, label, secret: Secret.fromBase32(secret) });

/** In base32, as people type it. */
export const newTotpSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

/** For the QR code that an authenticator app scans. */
export const totpUri = (secret: string, label: string, issuer: string): string =>
  totpOf(secret, label, issuer).toString();

/** The step whose code this is; undefined for a wrong one. */
export function stepOf(secret: string, code: string, now: number): number | undefined {
  const totp = totpOf(secret);
  const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta;
}

/** The code of a moment. */
export const totpCode = (secret: string, now: number): string => totpOf(secret).generate({ timestamp: now });

/** As they are shown: four groups of four. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    const text = new Secret({ buffer: Uint8Array.from(randomBytes(RECOVERY_BYTES)).buffer }).base32;
    return (text.match(/.{4}/g) ?? []).join("-");
  });
}

/** Without the signs between the groups, in whatever case they were typed. */
export const hashRecoveryCode = (code: string): string =>
  hash("sha256", code.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase(), "base64url");
