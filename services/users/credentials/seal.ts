/**
 * Seals secrets that must be read again: AES-256-GCM, with what they are about as additional data, so that a sealed text of
 * one account opens nowhere else. The key comes from SEALING_KEY, else from one that is generated once and kept.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import type { Model } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { SealingKey } from "../models/sealing-key.model.ts";

export interface Seal {
  seal(text: string, about: string): Promise<string>;
  /** Undefined for a text that was not sealed by this shop, was changed, or is about something else. */
  open(sealed: string, about: string): Promise<string | undefined>;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function createSeal(model: Model<SealingKey>, configured: string | undefined): Seal {
  const kept = once(() => keptKey(model));
  const key = async (): Promise<Buffer> => keyFrom(configured ?? (await kept()));

  return {
    async seal(text, about) {
      const secret = await key();
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", secret, iv).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `${nameOf(secret)}.${Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString("base64url")}`;
    },
    async open(sealed, about) {
      const [name, text = ""] = sealed.split(".", 2);
      // Sealed before SEALING_KEY was set.
      const candidates = [await key(), ...(configured === undefined ? [] : [keyFrom(await kept())])];
      const secret = candidates.find((it) => nameOf(it) === name);
      const bytes = Buffer.from(text, "base64url");
      if (!secret || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", secret, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(about))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const opened = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
        return Buffer.concat([opened, decipher.final()]).toString("utf8");
      } catch {
        // GCM refuses it: it was not sealed with this key and for this.
        return undefined;
      }
    },
  };
}

const keyFrom = (secret: string): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, "", "souk users sealing", 32));

/** Shows with which key a text was sealed, and nothing of the key. */
const nameOf = (key: Buffer): string => createHash("sha256").update(key).digest("base64url").slice(0, 8);

async function keptKey(model: Model<SealingKey>): Promise<string> {
  const kept = await model.findById("kept").lean<SealingKey>();
  if (kept) return kept.key;
  const key = randomBytes(32).toString("base64");
  try {
    await model.create({ _id: "kept", key });
    return key;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return keptKey(model);
  }
}

/** A value that is loaded at first use; a failure is not kept. */
function once<V>(load: () => Promise<V>): () => Promise<V> {
  let value: V | undefined;
  return async () => {
    value ??= await load();
    return value;
  };
}
