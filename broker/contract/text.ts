/** Text from outside, made fit to be compared and kept. */

/** No language needs near as many marks on one letter; Unicode's Stream-Safe Text Format (UAX #15) has this many. */
const MAX_MARKS = 30;

/** Marks, and the two letters that NFKD makes marks of. */
const MARKS = /[\p{M}\uff9e\uff9f]+/gu;

/**
 * Without the marks of a letter beyond {@link MAX_MARKS}. Normalisation sorts the marks of a letter, in time that grows
 * with the square of their number: this comes before it.
 */
export const withoutMarkFloods = (text: string): string =>
  text.replace(MARKS, (run) =>
    run.length <= MAX_MARKS ? run : Array.from(run).slice(0, MAX_MARKS).join(""),
  );

const PLAIN = /^[\x20-\x7e]*$/;

/**
 * One form of each text, so that what is answered, stored, compared and printed is the same: well-formed, in Unicode's
 * composed form (NFC), without blanks around it. Cleaning it again changes nothing.
 */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) return text.trim();
  // Some marks are two in NFC.
  return withoutMarkFloods(withoutMarkFloods(text.toWellFormed()).normalize("NFC")).trim();
}

/** Characters that show nothing and change the direction of what stands around them, also of other people's text. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const SEPARATORS = /[\u2028\u2029]/g;

/** {@link cleanText} for one line: without line separators, and nothing in it changes the direction of writing. */
export const cleanLine = (text: string): string =>
  cleanText(PLAIN.test(text) ? text : text.replace(DIRECTIONS, "").replace(SEPARATORS, " "));
