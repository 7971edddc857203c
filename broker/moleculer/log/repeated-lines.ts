/**
 * Moleculer's modules log a line for each attempt and each node while a server is away. Lines that differ only in
 * names and numbers are written once a minute. The next one has the count of those left out.
 */
import winston from "winston";
import { Quiet } from "../../resilience/quiet.ts";

const QUIET_MS = 60_000;
/** Modules of Moleculer that deal with other nodes and servers. Our own modules use `rate-limited-log.ts`. */
const CHATTY = new Set(["transporter", "transit", "registry", "discovery"]);

/** Keys are words from Moleculer's sources, so there are few. */
const quiet = new Quiet(QUIET_MS);

export const withoutRepetition = winston.format((info) => {
  if (!CHATTY.has(String(info.mod).toLowerCase())) return info;
  const suppressed = quiet.pass(
    `${info.mod} ${info.level} ${templateOf(String(info.message))}`,
    performance.now(),
  );
  if (suppressed === undefined) return false;
  if (suppressed > 0) info.suppressed = suppressed;
  return info;
});

const MAX_TEMPLATE = 300;

/** The beginning of a message, without quoted names and words with digits. */
const templateOf = (message: string): string =>
  message
    .slice(0, MAX_TEMPLATE)
    .replaceAll(/'[^']*'/g, "#")
    .replaceAll(/\S+/g, (word) => (/\d/.test(word) ? "#" : word))
    .slice(0, 80);
