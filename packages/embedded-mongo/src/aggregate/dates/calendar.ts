/** Counting days, weeks and months on local times, which are milliseconds as if they were UTC. */
import { StoreError } from "../../errors.ts";

export const dayMs = 86_400_000;
/** The range of JavaScript's dates. BSON's range is larger. */
const furthest = 8.64e15;

export function checkRange(ms: number): number {
  if (Math.abs(ms) <= furthest) return ms;
  throw new StoreError(5166406, "the date is out of the range that this store calculates with");
}

/** The local time of a calendar date. Months and days may overflow. */
export function civil(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return checkRange(date.getTime());
}

/** Days since 1970, negative before. */
export const dayNumber = (local: number): number => Math.floor(local / dayMs);
/** 0 for Sunday. */
export const weekday = (local: number): number => (((dayNumber(local) + 4) % 7) + 7) % 7;
export const isoWeekday = (local: number): number => weekday(local) || 7;
export const yearOf = (local: number): number => new Date(local).getUTCFullYear();
/** 1 on January the first. */
export const dayOfYear = (local: number): number =>
  dayNumber(local) - dayNumber(civil(yearOf(local), 1, 1)) + 1;
/** Weeks begin on Sundays, the first one with the first Sunday. Days before it are in week 0. */
export const weekOf = (local: number): number => Math.floor((dayOfYear(local) - 1 + 7 - weekday(local)) / 7);

/** The year of the week's Thursday, and the number of the week in it. */
export function isoWeekOf(local: number): { year: number; week: number } {
  const thursday = (dayNumber(local) + 4 - isoWeekday(local)) * dayMs;
  const year = yearOf(thursday);
  return { year, week: Math.floor((dayNumber(thursday) - dayNumber(civil(year, 1, 1))) / 7) + 1 };
}

/** The Monday of week 1 of an ISO year. */
export function isoYearStart(year: number): number {
  const fourth = civil(year, 1, 4);
  return fourth - (isoWeekday(fourth) - 1) * dayMs;
}

/** Months since the year 0. */
export function monthNumber(local: number): number {
  const date = new Date(local);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** So many months later. A day that the month does not have becomes its last day. */
export function addMonths(local: number, months: number): number {
  const date = new Date(local);
  const target = monthNumber(local) + months;
  const year = Math.floor(target / 12);
  const month = target - year * 12 + 1;
  const last = new Date(civil(year, month + 1, 0)).getUTCDate();
  const time = local - dayNumber(local) * dayMs;
  return civil(year, month, Math.min(date.getUTCDate(), last)) + time;
}

export const units = [
  "year",
  "quarter",
  "month",
  "week",
  "day",
  "hour",
  "minute",
  "second",
  "millisecond",
] as const;
export type Unit = (typeof units)[number];

/** Milliseconds of the units with a fixed length. */
export const unitMs: Partial<Record<Unit, number>> = {
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};
/** Months of the units that consist of months. */
export const unitMonths: Partial<Record<Unit, number>> = { year: 12, quarter: 3, month: 1 };

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** The number of a day by its name or the name's first three letters; 0 for Sunday. */
export function weekdayNamed(text: string): number {
  const lower = text.toLowerCase();
  const found = weekdays.findIndex((day) => day === lower || day.slice(0, 3) === lower);
  if (found === -1) throw new StoreError(9, `unknown day of week value: ${text}`);
  return found;
}
