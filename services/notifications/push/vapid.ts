/** Tells a push service who sends: a token that is signed with the shop's key (VAPID, RFC 8292). */
import { createECDH, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { CURVE } from "./encrypt.ts";

export interface VapidKey {
  /** As browsers want it when they subscribe: base64url of an uncompressed point. */
  readonly publicKey: string;
  readonly signing: KeyObject;
}

/** A day is the most that push services take. */
const VALID_S = 12 * 3_600;

/** A new private key, base64url. */
export function newPrivateKey(): string {
  const made = createECDH(CURVE);
  made.generateKeys();
  // Node leaves out leading zeros.
  return Buffer.concat([Buffer.alloc(32), made.getPrivateKey()])
    .subarray(-32)
    .toString("base64url");
}

/** @throws where it is no private key of the curve */
export function vapidKey(privateKey: string): VapidKey {
  const pair = createECDH(CURVE);
  pair.setPrivateKey(Buffer.from(privateKey, "base64url"));
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((it) => it.toString("base64url"));
  const jwk = { kty: "EC", crv: "P-256", d: privateKey, x: x ?? "", y: y ?? "" };
  return {
    publicKey: point.toString("base64url"),
    signing: createPrivateKey({ key: jwk, format: "jwk" }),
  };
}

/**
 * The value of `Authorization` for one push service.
 * @param subject whom its operators may write to: `mailto:` or `https:`
 */
export function authorization(
  { publicKey, signing }: VapidKey,
  endpoint: URL,
  subject: string,
  nowMs: number,
): string {
  const claims = { aud: endpoint.origin, exp: Math.floor(nowMs / 1_000) + VALID_S, sub: subject };
  const signed = `${encoded({ typ: "JWT", alg: "ES256" })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: signing, dsaEncoding: "ieee-p1363" });
  return `vapid t=${signed}.${signature.toString("base64url")}, k=${publicKey}`;
}

const encoded = (it: object): string => Buffer.from(JSON.stringify(it)).toString("base64url");
