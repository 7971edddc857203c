/**
 * Regular expressions of the contracts. They appear in the public documents, so each must mean the same in every
 * language and without flags. They use no `\p`, `\u`, `\d`, look-around, named groups or back references.
 */
import { z } from "zod";

/** Control characters do not belong in a line of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
export const printable = /^[^\x00-\x1f\x7f-\x9f]*$/;

/** The same, and no blank at its ends. The second blank is the one that does not break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
export const trimmed = /^[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$/;

/** Replaces `\d`, which has more than ten digits in Python and .NET. */
const withAsciiDigits = ({ source }: RegExp): RegExp => new RegExp(source.replaceAll("\\d", "[0-9]"));

/** A calendar day, as zod checks it. */
export const isoDate = withAsciiDigits(z.regexes.date);
/** A time in UTC, as zod checks it. */
export const isoTime = withAsciiDigits(z.regexes.datetime({ precision: null }));
