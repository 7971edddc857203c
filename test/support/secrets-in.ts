/** Looks for what must never be in a log: given secrets, and numbers of payment cards. */

/** Names of those secrets that are in the text. */
export const secretsIn = (text: string, secrets: Readonly<Record<string, string>>): string[] =>
  Object.entries(secrets).flatMap(([name, value]) => (text.includes(value) ? [name] : []));

const DIGITS = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])/g;
/** Issuer prefixes of the large card schemes: most other runs of digits are times and counters. */
const ISSUER = /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12})$/;

/** Runs of 13 to 19 digits that look like a card's number and have its check digit. */
export const cardNumbersIn = (text: string): string[] =>
  (text.match(DIGITS) ?? [])
    .map((it) => it.replaceAll(/\D/g, ""))
    .filter((it) => ISSUER.test(it) && passesLuhn(it));

function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
