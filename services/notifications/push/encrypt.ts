/** Encryption of a push message for one browser: RFC 8291, with the one-record form of RFC 8188 (`aes128gcm`). */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";

export const CURVE = "prime256v1";

/** A browser's keys as its subscription has them: base64url. */
export interface BrowserKeys {
  /** Its public key, an uncompressed point. */
  readonly p256dh: string;
  /** A secret that the browser and the shop share. */
  readonly auth: string;
}

/** What is new for each message. Given only by tests. */
export interface Fresh {
  /** 16 bytes. */
  readonly salt: Buffer;
  readonly privateKey: Buffer;
}

const RECORD = 4_096;
const TAG = 16;
const SALT = 16;
const POINT = 65;
const HEADER = SALT + 4 + 1 + POINT;
/** Push services take at least 4096 bytes of body. One byte ends the record. */
export const MAX_PLAIN = RECORD - HEADER - TAG - 1;

/** @throws {RangeError} where the text is longer than {@link MAX_PLAIN}, or a key is no point of the curve */
export function encrypt(plain: Buffer, { p256dh, auth }: BrowserKeys, fresh?: Fresh): Buffer {
  if (plain.length > MAX_PLAIN) throw new RangeError("a push message is too long");
  const salt = fresh?.salt ?? randomBytes(SALT);
  const own = createECDH(CURVE);
  if (fresh) own.setPrivateKey(fresh.privateKey);
  else own.generateKeys();
  const ownPublic = own.getPublicKey();
  const theirs = Buffer.from(p256dh, "base64url");
  const shared = sharedSecret(own, theirs);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), theirs, ownPublic]);
  const key = derived(shared, Buffer.from(auth, "base64url"), info, 32);
  const cipher = createCipheriv(
    "aes-128-gcm",
    derived(key, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16),
    derived(key, salt, Buffer.from("Content-Encoding: nonce\0"), 12),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(RECORD);
  head.writeUInt8(POINT, 4);
  // The delimiter of the last record, and no padding.
  const body = [cipher.update(plain), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([salt, head, ownPublic, ...body]);
}

/** Whether it is an uncompressed point of the curve. */
export function isPoint(p256dh: string): boolean {
  try {
    const own = createECDH(CURVE);
    own.generateKeys();
    sharedSecret(own, Buffer.from(p256dh, "base64url"));
    return true;
  } catch {
    return false;
  }
}

function sharedSecret(own: ReturnType<typeof createECDH>, theirs: Buffer): Buffer {
  if (theirs.length !== POINT || theirs[0] !== 4) throw new RangeError("a browser's key is no point");
  return own.computeSecret(theirs);
}

const derived = (key: Buffer, salt: Buffer, info: Buffer, length: number): Buffer =>
  Buffer.from(hkdfSync("sha256", key, salt, info, length));
