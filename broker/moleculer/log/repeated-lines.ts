/**
 * Moleculer's own modules write a line for each attempt and each node while a server is away. Lines that differ only in
 * names and numbers are written once a minute, the next one with the count of those that were left out.
 */
import winston from "winston";

const QUIET_MS = 60_000;
/** Modules of Moleculer that know other nodes and servers. Our own modules choose for themselves, see `bus/alarms.ts`. */
const CHATTY = new Set(["transporter", "transit", "registry", "cacher", "discovery"]);

/** @param now milliseconds of any clock */
export const withoutRepetition = winston.format((info, options) => {
  const { now = () => performance.now() } = options as { now?: () => number };
  if (!CHATTY.has(String(info.mod).toLowerCase())) return info;
  const at = now();
  const key = `${info.mod} ${info.level} ${templateOf(String(info.message))}`;
  const last = seen.get(key);
  if (last && at - last.at < QUIET_MS) {
    last.suppressed++;
    return false;
  }
  if (last?.suppressed) info.suppressed = last.suppressed;
  if (seen.size >= MAX_KEYS) seen.clear();
  seen.set(key, { at, suppressed: 0 });
  return info;
});

/** Keys are words of Moleculer's sources, so there are few. */
const MAX_KEYS = 500;
const MAX_TEMPLATE = 300;
const seen = new Map<string, { at: number; suppressed: number }>();

/** The beginning of a message, without names in quotes and words with digits. */
const templateOf = (message: string): string =>
  message
    .slice(0, MAX_TEMPLATE)
    .replaceAll(/'[^']*'/g, "#")
    .replaceAll(/\S+/g, (word) => (/\d/.test(word) ? "#" : word))
    .slice(0, 80);
