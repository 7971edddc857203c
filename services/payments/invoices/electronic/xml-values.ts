/** Values as XML has them. */
import { minorDigits } from "../../../../broker/contract/values/currency.ts";

/** Characters that XML 1.0 can't hold, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Text of a person. Characters that XML can't hold become U+FFFD. */
export const xmlText = (text: string): string => text.toWellFormed().replace(IMPOSSIBLE, "\ufffd");

/** Minor units as a decimal number: `12.99`. Made from text, because a double lacks digits of the greatest amounts. */
export function decimal(minorUnits: number, currency: string): string {
  const digits = minorDigits(currency);
  const sign = minorUnits < 0 ? "-" : "";
  const text = String(Math.abs(minorUnits)).padStart(digits + 1, "0");
  if (digits === 0) return sign + text;
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
