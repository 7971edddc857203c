/** Days of a time zone. */
import type { DayOf } from "../order/contribution.ts";

/** The day of a time, as 2026-11-27. */
export function dayIn(timeZone: string): DayOf {
  if (timeZone === "UTC") return (at) => at.toISOString().slice(0, 10);
  let days: Intl.DateTimeFormat | undefined;
  return (at) => {
    days ??= new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    return days.format(at);
  };
}

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;

/**
 * The first moment of a day. Zones are at most 14 hours from UTC, and clocks are changed by quarters of an hour at the
 * finest, so it is found by steps of these.
 */
export function startOfDay(dayOf: DayOf, day: string): string {
  const midnight = Date.parse(day);
  let at = midnight - 15 * HOUR_MS;
  while (dayOf(new Date(at)) < day) at += QUARTER_MS;
  return new Date(at).toISOString();
}
