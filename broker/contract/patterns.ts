/**
 * Regular expressions of the contracts. They stand in the public documents, so each means the same in every language, and
 * without flags: no `\p`, `\u`, `\d`, look-around, named groups or back references.
 */
import { z } from "zod";

/** Control characters never belong in a line of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
export const printable = /^[^\x00-\x1f\x7f-\x9f]*$/;

/** `\d` has more than ten digits in Python and .NET. */
const withAsciiDigits = ({ source }: RegExp): RegExp => new RegExp(source.replaceAll("\\d", "[0-9]"));

/** A day of the calendar, as zod checks it. */
export const isoDate = withAsciiDigits(z.regexes.date);
/** An instant in UTC, as zod checks it. */
export const isoTime = withAsciiDigits(z.regexes.datetime({ precision: null }));
