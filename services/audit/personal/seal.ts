/** Data under a person's key: AES-256-GCM, bound to its message. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealed {
  /** The person: name of the key. */
  readonly of: string;
  /** Nonce, tag and encrypted JSON. */
  readonly box: string;
}

/** @param id of the message */
export function seal(person: string, key: Buffer, id: string, data: unknown): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(id));
  const text = cipher.update(JSON.stringify(data ?? null), "utf8");
  const rest = cipher.final();
  return {
    of: person,
    box: Buffer.concat([nonce, cipher.getAuthTag(), text, rest]).toString("base64"),
  };
}

/** @throws where the key or the message is another one */
export function unseal({ box }: Sealed, key: Buffer, id: string): unknown {
  const bytes = Buffer.from(box, "base64");
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(id))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8");
  return JSON.parse(text + decipher.final("utf8"));
}
