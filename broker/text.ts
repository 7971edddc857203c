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
