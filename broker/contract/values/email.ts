/**
 * E-mail addresses, also international ones (RFC 6531). People see an address as they typed it. It is compared by its
 * canonical form: composed (NFC), in lower case, the domain in ASCII. So info@übung.de is info@xn--bung-zra.de.
 */
import { domainToASCII, domainToUnicode } from "node:url";

/** Bytes (RFC 5321). */
const MAX_LOCAL = 64;
const MAX_ADDRESS = 254;

/** Words joined by dots. Of ASCII, what mail systems take without quotes or another meaning. */
const LOCAL = /^[\p{L}\p{M}\p{N}_'+-]+(?:\.[\p{L}\p{M}\p{N}_'+-]+)*$/u;
/** Without what a parser of addresses would decode or take for a dot. Joiners are letters' parts in some scripts. */
const DOMAIN = /^[\u200d\u200c\p{L}\p{M}\p{N}\u00b7\u0375\u05f3\u05f4\u30fb.-]+$/u;
const ASCII_DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Scripts with letters that look like each other's. A word of two of them is hardly a name. */
const LOOKALIKE = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u];

const isOneScript = (word: string): boolean => LOOKALIKE.filter((it) => it.test(word)).length <= 1;

/** @returns undefined for a text that is no address */
export function canonicalEmail(text: string): string | undefined {
  if (text.length > MAX_ADDRESS) return undefined;
  const at = text.lastIndexOf("@");
  const local = canonicalLocal(text.slice(0, Math.max(at, 0)));
  const domain = canonicalDomain(text.slice(at + 1));
  if (local === undefined || domain === undefined) return undefined;
  const canonical = `${local}@${domain}`;
  return Buffer.byteLength(canonical) <= MAX_ADDRESS ? canonical : undefined;
}

function canonicalLocal(text: string): string | undefined {
  const local = text.normalize("NFC");
  // Letters that are the same to people, such as wide ones, are not the same to a mail server.
  if (!LOCAL.test(local) || local.normalize("NFKC") !== local) return undefined;
  if (Buffer.byteLength(local) > MAX_LOCAL || !local.split(/[._'+-]/).every(isOneScript)) return undefined;
  return local.toLowerCase().normalize("NFC");
}

function canonicalDomain(text: string): string | undefined {
  const domain = text.normalize("NFC");
  if (!DOMAIN.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  const isName = ascii.length <= 253 && ASCII_DOMAIN.test(ascii);
  return isName && domainToUnicode(ascii).split(".").every(isOneScript) ? ascii : undefined;
}

/**
 * What accounts and limits know an address by.
 * @param email as the contract has taken it
 */
export function emailKey(email: string): string {
  const canonical = canonicalEmail(email);
  if (canonical === undefined) throw new TypeError("that is no e-mail address");
  return canonical;
}
