/** Time zones: fixed offsets, and names of the IANA database with their changes of clocks. */
import { Temporal } from "temporal-polyfill/implementation";
import { StoreError } from "../../errors.ts";

/** A zone: the rules of local clocks. Local times are milliseconds as if they were UTC. */
export interface Zone {
  readonly isUtc: boolean;
  /** How many milliseconds local clocks are ahead of UTC at an instant. */
  offsetAt(ms: number): number;
  /** The instant of a local time. Of two, the earlier one. Within a gap, as far after the gap as the time is into it. */
  toInstant(local: number): number;
}

const fixed = (offset: number): Zone => ({
  isUtc: offset === 0,
  offsetAt: () => offset,
  toInstant: (local) => local - offset,
});

export const utc = fixed(0);
const known = new Map<string, Zone>();

/** `+hh`, `+hhmm`, `+hh:mm`, `UTC`, `GMT`, or a name such as `Europe/Rome`. */
export function zoneOf(text: string): Zone {
  if (text === "UTC" || text === "GMT" || text === "Z") return utc;
  const found = known.get(text) ?? parse(text);
  if (known.size > 1000) known.clear();
  known.set(text, found);
  return found;
}

function parse(text: string): Zone {
  const offset = /^([+-])([01]\d|2[0-3])(?::?([0-5]\d))?$/.exec(text);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    return fixed((offset[1] === "-" ? -minutes : minutes) * 60_000);
  }
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,3}$/.test(text)) throw unknown(text);
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
  } catch {
    throw unknown(text);
  }
  return named(text);
}

const unknown = (text: string): StoreError =>
  new StoreError(40485, `unrecognized time zone identifier: "${text}"`);

function named(name: string): Zone {
  return {
    isUtc: /^(Etc\/)?(UTC|UCT|GMT|Universal|Zulu|Greenwich)$/.test(name),
    offsetAt: (ms) => {
      const zoned = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(name);
      return Math.round(zoned.offsetNanoseconds / 1e6);
    },
    toInstant: (local) => {
      const date = new Date(local);
      const plain = new Temporal.PlainDateTime(
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
        date.getUTCMilliseconds(),
      );
      return plain.toZonedDateTime(name, { disambiguation: "compatible" }).epochMilliseconds;
    },
  };
}
