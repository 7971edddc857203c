/** `$dateFromString`: dates from text, by a format or in the forms of ISO 8601. */
import { StoreError } from "../../errors.ts";
import { civil, dayMs, isoYearStart } from "./calendar.ts";
import { monthNames } from "./format.ts";
import { utc, type Zone, zoneOf } from "./zone.ts";

const failed = (text: string, why: string): StoreError =>
  new StoreError(241, `Error parsing date string '${text}'; ${why}`);

const iso =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| +)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/;

/** Parses a date in a form of ISO 8601. Other forms, some of which MongoDB guesses, are refused. */
export function parseIsoDate(text: string, zone: Zone | undefined): number {
  const found = iso.exec(text.trim());
  if (found === null)
    throw failed(text, "this store reads the forms of ISO 8601 only where no format is given");
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", given] = found;
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const local =
    localTime(text, Number(year), Number(month), Number(day)) + timeOf(text, +hour, +minute, +second, ms);
  return placed(text, local, given?.toUpperCase(), zone);
}

function localTime(text: string, year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > 31) throw failed(text, "the date is invalid");
  const local = civil(year, month, day);
  if (new Date(local).getUTCDate() !== day) throw failed(text, "the parsed date was invalid");
  return local;
}

function timeOf(text: string, hour: number, minute: number, second: number, ms: number): number {
  if (hour > 23 || minute > 59 || second > 59) throw failed(text, "the time is invalid");
  return ((hour * 60 + minute) * 60 + second) * 1000 + ms;
}

function placed(text: string, local: number, given: string | undefined, zone: Zone | undefined): number {
  if (given === undefined) return (zone ?? utc).toInstant(local);
  if (zone !== undefined)
    throw failed(
      text,
      "you cannot pass in a date/time string with time zone information together with a timezone argument",
    );
  return zoneOf(given).toInstant(local);
}

interface Parts {
  year?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  isoYear?: number;
  isoWeek?: number;
  isoDay?: number;
  hour?: number;
  minute?: number;
  second?: number;
  millisecond?: number;
  zone?: string;
}

/** The pattern is sticky: it starts where the previous part has ended. */
type Reader = readonly [pattern: RegExp, set: (parts: Parts, text: string) => void];

const number = (name: keyof Omit<Parts, "zone">, pattern: RegExp): Reader => [
  pattern,
  (parts, text) => {
    parts[name] = Number(text);
  },
];

const readers: Record<string, Reader> = {
  Y: number("year", /\d{4}/y),
  m: number("month", /\d{1,2}/y),
  d: number("day", /\d{1,2}/y),
  j: number("dayOfYear", /\d{1,3}/y),
  G: number("isoYear", /\d{4}/y),
  V: number("isoWeek", /\d{1,2}/y),
  u: number("isoDay", /\d/y),
  H: number("hour", /\d{1,2}/y),
  M: number("minute", /\d{1,2}/y),
  S: number("second", /\d{1,2}/y),
  L: [
    /\d{1,3}/y,
    (parts, text) => {
      parts.millisecond = Number(text.padEnd(3, "0"));
    },
  ],
  b: [/jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/iy, setMonth],
  B: [/january|february|march|april|may|june|july|august|september|october|november|december/iy, setMonth],
  z: [
    /Z|[+-]\d{2}(?::?\d{2})?/iy,
    (parts, text) => {
      parts.zone = text.toUpperCase();
    },
  ],
  Z: [
    /[+-]\d{1,4}/y,
    (parts, text) => {
      const size = Math.abs(Number(text));
      const two = (value: number) => String(value).padStart(2, "0");
      parts.zone = `${text.startsWith("-") ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
    },
  ],
};

function setMonth(parts: Parts, text: string): void {
  parts.month =
    monthNames.findIndex((name) => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase()) + 1;
}

/**
 * Parses from left to right. Each part takes as much as it can, and never backtracks: as in MongoDB, in linear time.
 */
export function parseByFormat(text: string, format: string, zone: Zone | undefined): number {
  const parts: Parts = {};
  let at = 0;
  for (const [part, letter] of format.matchAll(/%(.)|[^%]+|%$/gsu)) {
    const reader = letter === undefined ? undefined : readers[letter];
    if (reader !== undefined) {
      const [pattern, set] = reader;
      pattern.lastIndex = at;
      const read = pattern.exec(text)?.[0];
      if (read === undefined) throw formless(text);
      set(parts, read);
      at += read.length;
      continue;
    }
    if (letter !== "%" && (letter !== undefined || part === "%"))
      throw new StoreError(18536, `Invalid format character '%${letter ?? ""}' in format string`);
    const literal = letter === "%" ? "%" : part;
    if (text.slice(at, at + literal.length).toLowerCase() !== literal.toLowerCase()) throw formless(text);
    at += literal.length;
  }
  if (at < text.length) throw formless(text);
  return placed(text, dateOf(text, parts), parts.zone, zone);
}

const formless = (text: string): Error => failed(text, "it does not have the form of the format");

function dateOf(text: string, parts: Parts): number {
  const time = timeOf(text, parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0, parts.millisecond ?? 0);
  const { year, isoYear } = parts;
  if (isoYear !== undefined) {
    if (year !== undefined || parts.month !== undefined || parts.day !== undefined)
      throw failed(text, "mixing of ISO dates with natural dates is not allowed");
    const { isoWeek = 1, isoDay = 1 } = parts;
    if (isoWeek < 1 || isoWeek > 53 || isoDay < 1 || isoDay > 7)
      throw failed(text, "the week date is invalid");
    return isoYearStart(isoYear) + ((isoWeek - 1) * 7 + isoDay - 1) * dayMs + time;
  }
  if (year === undefined)
    throw failed(text, "an incomplete date/time string has been found, with elements missing");
  if (parts.dayOfYear !== undefined) {
    if (parts.dayOfYear < 1 || parts.dayOfYear > 366) throw failed(text, "the day of the year is invalid");
    return civil(year, 1, parts.dayOfYear) + time;
  }
  if (parts.month === undefined || parts.day === undefined)
    throw failed(text, "an incomplete date/time string has been found, with elements missing");
  return localTime(text, year, parts.month, parts.day) + time;
}
