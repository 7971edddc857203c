/** Text from outside, made fit to be compared and kept. */

/**
 * More marks on one letter than Unicode's Stream-Safe Text Format (UAX #15) lets stand; no language needs near as many.
 * The two letters are what NFKD makes marks of.
 */
const FLOOD = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu;

/**
 * Without the marks of a letter beyond thirty. Normalisation sorts the marks of a letter, in time that grows with the
 * square of their number: this comes before it.
 */
export const withoutMarkFloods = (text: string): string => text.replace(FLOOD, "$1");
