/** Numbers that people can read to each other on the phone: `251003-7K2QF-M9DXA`. */
import { derivedV7 } from "../../../broker/contract/ids.ts";

/** Crockford's base 32: no I, L, O or U. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGITS = 10;

/**
 * The number of an order: its day and 50 random bits of its id. It needs no counter, and the same id gives the same
 * number. Two orders of a day collide with a chance of 1 in 10^15. The second then takes its next candidate.
 * @param id UUIDv7, which begins with the time in milliseconds and ends with random bits
 * @param attempt an order has as many candidates as needed to find a free one
 */
export function orderNumber(id: string, attempt = 0): string {
  const hex = (attempt === 0 ? id : derivedV7(id, "number", attempt)).replaceAll("-", "");
  const day = new Date(Number.parseInt(hex.slice(0, 12), 16)).toISOString().slice(2, 10).replaceAll("-", "");
  let rest = Number.parseInt(hex.slice(-13), 16);
  let code = "";
  while (code.length < DIGITS) {
    code = ALPHABET.charAt(rest % 32) + code;
    rest = Math.floor(rest / 32);
  }
  return `${day}-${code.slice(0, 5)}-${code.slice(5)}`;
}
