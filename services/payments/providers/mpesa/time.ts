/** East Africa Time, which Daraja writes as `YYYYMMDDHHmmss`: always three hours ahead of UTC. */
const OFFSET_MS = 3 * 3_600_000;

/** @param at milliseconds since the epoch */
export const timestamp = (at: number): string =>
  new Date(at + OFFSET_MS).toISOString().slice(0, 19).replace(/\D/g, "");

/** @returns null for text that is no time */
export function instant(text: string): Date | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)?.slice(1);
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}+03:00`);
  return Number.isNaN(date.getTime()) ? null : date;
}
