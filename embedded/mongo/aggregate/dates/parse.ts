/** `$dateFromString`: dates from text, by a format or in the forms of ISO 8601. */
import { StoreError } from "../../errors.ts";
import { civil, dayMs, isoYearStart } from "./calendar.ts";
import { monthNames } from "./format.ts";
import { utc, type Zone, zoneOf } from "./zone.ts";

const failed = (text: string, why: string): StoreError =>
  new StoreError(241, `Error parsing date string '${text}'; ${why}`);

const iso =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| +)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/;

/** Reads a date in a form of ISO 8601; other forms, some of which MongoDB guesses at, are refused. */
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

type Reader = readonly [pattern: string, set: (parts: Parts, text: string) => void];

const number = (name: keyof Omit<Parts, "zone">, digits: string): Reader => [
  `(\\d{${digits}})`,
  (parts, text) => {
    parts[name] = Number(text);
  },
];

const readers: Record<string, Reader> = {
  Y: number("year", "4"),
  m: number("month", "1,2"),
  d: number("day", "1,2"),
  j: number("dayOfYear", "1,3"),
  G: number("isoYear", "4"),
  V: number("isoWeek", "1,2"),
  u: number("isoDay", "1"),
  H: number("hour", "1,2"),
  M: number("minute", "1,2"),
  S: number("second", "1,2"),
  L: [
    "(\\d{1,3})",
    (parts, text) => {
      parts.millisecond = Number(text.padEnd(3, "0"));
    },
  ],
  b: [`(${monthNames.map((name) => name.slice(0, 3)).join("|")})`, setMonth],
  B: [`(${monthNames.join("|")})`, setMonth],
  z: [
    "(Z|[+-]\\d{2}(?::?\\d{2})?)",
    (parts, text) => {
      parts.zone = text.toUpperCase();
    },
  ],
  Z: [
    "([+-]\\d{1,4})",
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

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

export function parseByFormat(text: string, format: string, zone: Zone | undefined): number {
  const setters: Reader[1][] = [];
  let pattern = "";
  for (const [part, letter] of format.matchAll(/%(.)|[^%]+|%$/gsu)) {
    const reader = letter === undefined ? undefined : readers[letter];
    if (letter === "%") pattern += "%";
    else if (reader !== undefined) {
      pattern += reader[0];
      setters.push(reader[1]);
    } else if (letter === undefined && part !== "%") pattern += escaped(part);
    else throw new StoreError(18536, `Invalid format character '%${letter ?? ""}' in format string`);
  }
  const found = new RegExp(`^${pattern}$`, "iu").exec(text);
  if (found === null) throw failed(text, "it does not have the form of the format");
  const parts: Parts = {};
  for (const [i, set] of setters.entries()) set(parts, found[i + 1] as string);
  return placed(text, dateOf(text, parts), parts.zone, zone);
}

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
