/** What an address must have follows its country. Only clients' input is checked: what is stored stays readable. */

import type { Address } from "../schemas.ts";
import { e164 } from "../values/phone.ts";
import { POSTAL_CODES } from "./postal-codes.ts";
import { REGIONS } from "./regions.ts";

export interface AddressIssue {
  field: "country" | "postalCode" | "region" | "phone";
  message: string;
}

/** Whether it is a code of ISO 3166-1, or Kosovo's. */
export const isCountry = (code: string): boolean => Object.hasOwn(POSTAL_CODES, code);

/** @returns what is wrong for a parcel to its country */
export function addressIssues({ country, postalCode, region, phone }: Address): AddressIssue[] {
  if (!isCountry(country)) return [{ field: "country", message: "must be a country's code of ISO 3166-1" }];
  const issues: AddressIssue[] = [];
  const note = (field: AddressIssue["field"], message: string | undefined) =>
    message !== undefined && issues.push({ field, message });
  note("postalCode", postalCodeFlaw(country, postalCode));
  note("region", region === undefined ? undefined : regionFlaw(country, region));
  if (phone !== undefined && e164(phone, country) === undefined)
    note("phone", `must be a phone number, with + and the prefix of its country if that is not ${country}`);
  return issues;
}

const forms = new Map<string, RegExp>();

function postalCodeFlaw(country: string, given: string | undefined): string | undefined {
  const { form, example, required } = POSTAL_CODES[country] ?? {};
  if (given === undefined) return required ? `is required in ${country}, such as ${example}` : undefined;
  // Where there are none, many people write zeros, because other shops insist.
  if (form === undefined) return undefined;
  let pattern = forms.get(country);
  if (!pattern) {
    pattern = new RegExp(`^(?:${form})$`);
    forms.set(country, pattern);
  }
  return pattern.test(plain(given)) ? undefined : `must be a postal code of ${country}, such as ${example}`;
}

/** Digits of other scripts, wide letters and other hyphens mean the same. */
const plain = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/\p{Nd}/gu, (it) => String(digitOf(it)))
    .replace(/\p{Pd}/gu, "-")
    .toUpperCase();

/** The digits of a script stand one after the other, from zero. */
function digitOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return code - zero;
}

function regionFlaw(country: string, given: string): string | undefined {
  const known = REGIONS[country];
  if (!known) return undefined;
  const wanted = folded(given);
  const isOne = Object.entries(known).some(([code, name]) =>
    [code, `${country}-${code}`, name].some((it) => folded(it) === wanted),
  );
  const [code, name] = Object.entries(known).at(-1) ?? [];
  return isOne ? undefined : `must be a region of ${country}, such as ${code} or ${name}`;
}

/** Without case, accents and signs. */
const folded = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/[^\p{L}\p{N}]/gu, "")
    .toLowerCase();
