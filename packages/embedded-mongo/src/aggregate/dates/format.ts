/** `$dateToString`: dates as text. */
import { StoreError } from "../../errors.ts";
import { dayOfYear, isoWeekday, isoWeekOf, weekday, weekOf, yearOf } from "./calendar.ts";
import type { Zone } from "./zone.ts";

export const monthNames =
  "January February March April May June July August September October November December".split(" ");

const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");

function fourDigits(year: number): string {
  if (year >= 0 && year <= 9999) return pad(year, 4);
  throw new StoreError(
    18537,
    "Could not convert date to string: date component was outside the supported range of 0-9999",
  );
}

/** The letters that may follow a percent sign. */
const specifiers: Record<string, (local: number, offset: number) => string> = {
  "%": () => "%",
  Y: (local) => fourDigits(yearOf(local)),
  m: (local) => pad(new Date(local).getUTCMonth() + 1, 2),
  d: (local) => pad(new Date(local).getUTCDate(), 2),
  H: (local) => pad(new Date(local).getUTCHours(), 2),
  M: (local) => pad(new Date(local).getUTCMinutes(), 2),
  S: (local) => pad(new Date(local).getUTCSeconds(), 2),
  L: (local) => pad(new Date(local).getUTCMilliseconds(), 3),
  j: (local) => pad(dayOfYear(local), 3),
  w: (local) => String(weekday(local) + 1),
  u: (local) => String(isoWeekday(local)),
  U: (local) => pad(weekOf(local), 2),
  V: (local) => pad(isoWeekOf(local).week, 2),
  G: (local) => fourDigits(isoWeekOf(local).year),
  b: (local) => (monthNames[new Date(local).getUTCMonth()] as string).slice(0, 3),
  B: (local) => monthNames[new Date(local).getUTCMonth()] as string,
  z: (_, offset) =>
    `${offset < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(offset) / 60), 2)}${pad(Math.abs(offset) % 60, 2)}`,
  Z: (_, offset) => `${offset < 0 ? "-" : "+"}${Math.abs(offset)}`,
};

export function formatDate(ms: number, zone: Zone, format: string): string {
  const ahead = zone.offsetAt(ms);
  const local = ms + ahead;
  const minutes = Math.trunc(ahead / 60_000);
  return format.replace(/%(.?)/gsu, (_, letter: string) => {
    const write = specifiers[letter];
    if (write === undefined)
      throw new StoreError(18536, `Invalid format character '%${letter}' in format string`);
    return write(local, minutes);
  });
}

/** The format of dates where none is given. */
export function isoText(ms: number, zone: Zone, end: "" | "Z"): string {
  return formatDate(ms, zone, `%Y-%m-%dT%H:%M:%S.%L${end}`);
}
