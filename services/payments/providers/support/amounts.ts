/** Amounts of providers that use major units. */

import type { Money } from "../../../../broker/contract/schemas.ts";
import { minorDigits } from "../../../../broker/contract/values/currency.ts";

/** In major units with all digits, as in "12.50". */
export function toMajor({ amount, currency }: Money): string {
  const digits = minorDigits(currency);
  const text = String(amount).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * For providers and currencies without fractions, such as IDR and KES, where nobody pays sen or cents.
 * @returns major units; null for an amount with a fraction
 */
export function toWhole({ amount, currency }: Money): number | null {
  const whole = amount / 10 ** minorDigits(currency);
  return Number.isInteger(whole) ? whole : null;
}

/**
 * Parses "12.5", "10000.00" or 12.5. Zeros beyond the currency's digits are accepted.
 * @returns minor units; null for an impossible amount ("0.5" in JPY), or one that is too large to be exact
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
