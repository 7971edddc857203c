/** Cleans text from clients, so that it can be compared and stored. */

/**
 * No language needs that many marks on one letter. Unicode's Stream-Safe Text Format (UAX #15) has the same limit.
 */
const MAX_MARKS = 30;

/** Marks, and the two letters that NFKD turns into marks. */
const MARKS = /[\p{M}\uff9e\uff9f]+/gu;

/**
 * Removes marks of a letter beyond {@link MAX_MARKS}. Call it before normalisation, which sorts the marks of a letter
 * in quadratic time.
 */
export const withoutMarkFloods = (text: string): string =>
  text.replace(MARKS, (run) =>
    run.length <= MAX_MARKS ? run : Array.from(run).slice(0, MAX_MARKS).join(""),
  );

const PLAIN = /^[\x20-\x7e]*$/;

/**
 * One form of each text, so that answered, stored, compared and printed text is equal. It is well-formed, in
 * Unicode's composed form (NFC), and trimmed. Cleaning it again changes nothing.
 */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) return text.trim();
  // Some marks become two marks in NFC.
  return withoutMarkFloods(withoutMarkFloods(text.toWellFormed()).normalize("NFC")).trim();
}

/** Invisible characters that change the direction of the surrounding text, also of other people's text. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const SEPARATORS = /[\u2028\u2029]/g;

/** {@link cleanText} for one line: removes line separators and direction marks. */
export const cleanLine = (text: string): string =>
  cleanText(PLAIN.test(text) ? text : text.replace(DIRECTIONS, "").replace(SEPARATORS, " "));

/**
 * Characters that nobody sees, that turn text around, or that look like a blank and are none. Names that differ only
 * by them look the same.
 */
const UNSEEN =
  /[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Private_Use}\ufff9-\ufffb]|[^\S ]/u;

/** Whether people see each character of the text, as for a name that they type from paper. */
export const isVisible = (text: string): boolean =>
  PLAIN.test(text) || (text.isWellFormed() && !UNSEEN.test(text));
