/** The pauses between attempts to send. They grow, and end after about three days. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const PAUSES: readonly number[] = [
  MINUTE / 6,
  MINUTE,
  5 * MINUTE,
  20 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  24 * HOUR,
  24 * HOUR,
];

/** A node with too much to do looks again after this time. That is no attempt. */
export const BUSY_MS = 5_000;

/** @returns milliseconds until the next attempt; undefined where there is none any more */
export const pauseAfter = (attempts: number): number | undefined => PAUSES[attempts - 1];
