/** Phone numbers as people write them. */
import { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/min";

const MAX_LENGTH = 40;

/**
 * The number in E.164, such as +254729123456.
 * @param country where it is called from, if it has no country's prefix
 * @returns undefined where no such number is possible in its country
 */
export function e164(written: string, country?: string): string | undefined {
  if (written.length > MAX_LENGTH) return undefined;
  const from = country !== undefined && isSupportedCountry(country) ? country : undefined;
  // 00 is dialled before a country's prefix in most countries, also where the data names another one.
  for (const text of [written, written.replace(/^\s*00/, "+")]) {
    const found = parsePhoneNumberFromString(text, { extract: false, ...(from && { defaultCountry: from }) });
    if (found?.isPossible()) return found.number;
  }
  return undefined;
}
