/** Signs an emulator's PayPal webhooks, with its own key and a self-signed certificate. */
import { sign } from "node:crypto";
import { crc32 } from "node:zlib";
import { generate } from "selfsigned";

export interface Signer {
  /** The certificate, PEM. */
  readonly certificate: string;
  /** @param at ISO 8601; @returns base64 */
  sign(transmissionId: string, at: string, webhookId: string, body: string): string;
}

const DAY_MS = 86_400_000;

/** Makes a key and a certificate. Default validity: from a day ago until in ten years. */
export async function createSigner(
  now: number,
  { from = now - DAY_MS, until = now + 3_650 * DAY_MS, bits = 2_048 } = {},
): Promise<Signer> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "PayPal emulator" }], {
    keySize: bits,
    algorithm: "sha256",
    notBeforeDate: new Date(from),
    notAfterDate: new Date(until),
  });
  return {
    certificate: cert,
    sign(transmissionId, at, webhookId, body) {
      const signed = `${transmissionId}|${at}|${webhookId}|${crc32(body)}`;
      return sign("RSA-SHA256", Buffer.from(signed), key).toString("base64");
    },
  };
}
