/** Amounts as providers write them that count in major units. */
import { minorDigits } from "../../../../broker/contract/currency.ts";
import type { Money } from "../../../../broker/contract/schemas.ts";

/** In major units with all digits, as in "12.50". */
export function toMajor({ amount, currency }: Money): string {
  const digits = minorDigits(currency);
  const text = String(amount).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * For providers and currencies without fractions, such as IDR and KES, whose sen and cents nobody pays.
 * @returns major units; null for what is no whole number of them
 */
export function toWhole({ amount, currency }: Money): number | null {
  const whole = amount / 10 ** minorDigits(currency);
  return Number.isInteger(whole) ? whole : null;
}

/**
 * Reads "12.5", "10000.00" or 12.5; zeros beyond the currency's digits are fine.
 * @returns minor units; null for what is no amount of this currency, e.g. "0.5" in JPY, or is too large to be exact
 */
export function toMinor(major: string | number, currency: string): number | null {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(String(major));
  if (!match) return null;
  const digits = minorDigits(currency);
  const [, whole = "", fraction = ""] = match;
  if (/[1-9]/.test(fraction.slice(digits))) return null;
  const minor = Number(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
}
