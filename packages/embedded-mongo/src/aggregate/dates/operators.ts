/** Date operators, in any time zone. */
import { dateRaw, intRaw, longRaw, nullRaw, stringRaw } from "../../bson/make.ts";
import {
  dateMs,
  fields,
  items,
  numberOf,
  type Raw,
  stringValue,
  Type,
  truthy,
  typeName,
} from "../../bson/raw.ts";
import { StoreError } from "../../errors.ts";
import { present } from "../arithmetic.ts";
import { compileExpression, define, type Expression, objectOf, type Scope } from "../expression.ts";
import {
  addMonths,
  checkRange,
  civil,
  dayMs,
  dayNumber,
  dayOfYear,
  isoWeekday,
  isoWeekOf,
  isoYearStart,
  monthNumber,
  type Unit,
  unitMonths,
  unitMs,
  units,
  weekday,
  weekdayNamed,
  weekOf,
  yearOf,
} from "./calendar.ts";
import { formatDate, isoText } from "./format.ts";
import { parseByFormat, parseIsoDate } from "./parse.ts";
import { utc, type Zone, zoneOf } from "./zone.ts";

type Names = ReadonlySet<string>;
type Arguments = ReadonlyMap<string, Expression>;

/** Compiles named arguments. Unknown ones are refused with the operator's code. */
function argumentsOf(name: string, operand: Raw, allowed: string, names: Names, code = 40535): Arguments {
  if (operand.type !== Type.object)
    throw new StoreError(
      code,
      `${name} only supports an object as an argument, found: ${typeName(operand.type)}`,
    );
  const known = allowed.split(" ");
  const found = new Map<string, Expression>();
  for (const [argument, value] of fields(operand)) {
    if (!known.includes(argument))
      throw new StoreError(code, `Unrecognized argument to ${name}: ${argument}`);
    found.set(argument, compileExpression(value, names));
  }
  return found;
}

function needed(name: string, found: Arguments, argument: string, code = 40540): Expression {
  const value = found.get(argument);
  if (value === undefined) throw new StoreError(code, `Missing '${argument}' parameter to ${name}`);
  return value;
}

/** The instant of a date, timestamp or ObjectId. */
function instantOf(value: Raw): number {
  if (value.type === Type.date) return checkRange(dateMs(value));
  if (value.type === Type.timestamp) return value.buf.readUInt32LE(value.start + 4) * 1000;
  if (value.type === Type.objectId) return value.buf.readUInt32BE(value.start) * 1000;
  throw new StoreError(16006, `can't convert from BSON type ${typeName(value.type)} to Date`);
}

/** The zone of a `timezone` argument; undefined where it is null. */
function zoneAt(found: Arguments, scope: Scope): Zone | undefined {
  const timezone = found.get("timezone");
  if (timezone === undefined) return utc;
  const value = timezone(scope);
  if (!present(value)) return undefined;
  if (value.type !== Type.string)
    throw new StoreError(40517, `timezone must evaluate to a string, found ${typeName(value.type)}`);
  return zoneOf(stringValue(value));
}

function text(name: string, argument: string, value: Raw): string {
  if (value.type === Type.string) return stringValue(value);
  throw new StoreError(
    5439015,
    `${name} requires '${argument}' to be a string, but got ${typeName(value.type)}`,
  );
}

function unitOf(name: string, value: Raw): Unit {
  const found = units.find((unit) => unit === text(name, "unit", value));
  if (found === undefined) throw new StoreError(9, `unknown time unit value: ${stringValue(value)}`);
  return found;
}

/** A part of a date: `{$year: date}` or `{$year: {date, timezone}}`. */
function part(name: string, work: (local: number) => Raw): void {
  define({
    [name]: (operand, names) => {
      const found = partArguments(name, operand, names);
      const date = needed(name, found, "date", 40539);
      return (scope) => {
        const value = date(scope);
        const zone = zoneAt(found, scope);
        if (!present(value) || zone === undefined) return nullRaw;
        const ms = instantOf(value);
        return work(ms + zone.offsetAt(ms));
      };
    },
  });
}

function partArguments(name: string, operand: Raw, names: Names): Arguments {
  if (operand.type === Type.object && !fields(operand)[0]?.[0].startsWith("$"))
    return argumentsOf(name, operand, "date timezone", names);
  if (operand.type !== Type.array) return new Map([["date", compileExpression(operand, names)]]);
  const list = items(operand);
  if (list.length !== 1)
    throw new StoreError(
      40536,
      `${name} accepts exactly one argument if given an array, but was given ${list.length}`,
    );
  return new Map([["date", compileExpression(list[0] as Raw, names)]]);
}

part("$year", (local) => intRaw(yearOf(local)));
part("$month", (local) => intRaw(new Date(local).getUTCMonth() + 1));
part("$dayOfMonth", (local) => intRaw(new Date(local).getUTCDate()));
part("$dayOfYear", (local) => intRaw(dayOfYear(local)));
part("$dayOfWeek", (local) => intRaw(weekday(local) + 1));
part("$week", (local) => intRaw(weekOf(local)));
part("$hour", (local) => intRaw(new Date(local).getUTCHours()));
part("$minute", (local) => intRaw(new Date(local).getUTCMinutes()));
part("$second", (local) => intRaw(new Date(local).getUTCSeconds()));
part("$millisecond", (local) => intRaw(new Date(local).getUTCMilliseconds()));
part("$isoDayOfWeek", (local) => intRaw(isoWeekday(local)));
part("$isoWeek", (local) => intRaw(isoWeekOf(local).week));
part("$isoWeekYear", (local) => longRaw(BigInt(isoWeekOf(local).year)));

define({
  $dateToParts: (operand, names) => {
    const found = argumentsOf("$dateToParts", operand, "date timezone iso8601", names, 40520);
    const date = needed("$dateToParts", found, "date", 40522);
    return (scope) => {
      const value = date(scope);
      const zone = zoneAt(found, scope);
      const iso = found.get("iso8601")?.(scope);
      if (!present(value) || zone === undefined || (found.has("iso8601") && !present(iso))) return nullRaw;
      if (iso !== undefined && iso.type !== Type.bool)
        throw new StoreError(40521, `iso8601 must evaluate to a bool, found ${typeName(iso.type)}`);
      const ms = instantOf(value);
      const local = ms + zone.offsetAt(ms);
      const at = new Date(local);
      const week = isoWeekOf(local);
      const parts: [string, number][] = truthy(iso)
        ? [
            ["isoWeekYear", week.year],
            ["isoWeek", week.week],
            ["isoDayOfWeek", isoWeekday(local)],
          ]
        : [
            ["year", yearOf(local)],
            ["month", at.getUTCMonth() + 1],
            ["day", at.getUTCDate()],
          ];
      parts.push(["hour", at.getUTCHours()], ["minute", at.getUTCMinutes()]);
      parts.push(["second", at.getUTCSeconds()], ["millisecond", at.getUTCMilliseconds()]);
      return objectOf(parts.map(([name, number]) => [name, intRaw(number)]));
    };
  },
  $dateFromParts: (operand, names) => {
    const natural = "year month day hour minute second millisecond timezone";
    const found = argumentsOf(
      "$dateFromParts",
      operand,
      `${natural} isoWeekYear isoWeek isoDayOfWeek`,
      names,
      40518,
    );
    const iso = found.has("isoWeekYear");
    if (!iso && !found.has("year"))
      throw new StoreError(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
    for (const other of iso ? ["year", "month", "day"] : ["isoWeek", "isoDayOfWeek"])
      if (found.has(other))
        throw new StoreError(40489, "$dateFromParts does not allow mixing natural dates with ISO dates");
    const wanted = iso ? ["isoWeekYear", "isoWeek", "isoDayOfWeek"] : ["year", "month", "day"];
    return (scope) => {
      const numbers: number[] = [];
      for (const name of [...wanted, "hour", "minute", "second", "millisecond"]) {
        const number = datePart(name, found.get(name), scope, wanted.indexOf(name));
        if (number === undefined) return nullRaw;
        numbers.push(number);
      }
      const zone = zoneAt(found, scope);
      if (zone === undefined) return nullRaw;
      const [year, second, third, hour, minute, seconds, ms] = numbers as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const day = iso
        ? isoYearStart(year) + ((second - 1) * 7 + third - 1) * dayMs
        : civil(year, second, third);
      const local = day + ((hour * 60 + minute) * 60 + seconds) * 1000 + ms;
      return dateRaw(checkRange(zone.toInstant(checkRange(local))));
    };
  },
  $dateToString: (operand, names) => {
    const found = argumentsOf("$dateToString", operand, "format date timezone onNull", names, 18534);
    const date = needed("$dateToString", found, "date", 18628);
    const format = found.get("format");
    return (scope) => {
      const value = date(scope);
      if (!present(value)) return found.has("onNull") ? found.get("onNull")?.(scope) : nullRaw;
      const zone = zoneAt(found, scope);
      const form = format?.(scope);
      if (zone === undefined || (format !== undefined && !present(form))) return nullRaw;
      if (form !== undefined && form.type !== Type.string)
        throw new StoreError(
          18533,
          `$dateToString requires that 'format' be a string, found: ${typeName(form.type)}`,
        );
      const ms = instantOf(value);
      if (form === undefined) return stringRaw(isoText(ms, zone, zone.isUtc ? "Z" : ""));
      return stringRaw(formatDate(ms, zone, stringValue(form)));
    };
  },
  $dateFromString: (operand, names) => {
    const found = argumentsOf(
      "$dateFromString",
      operand,
      "dateString format timezone onError onNull",
      names,
      40541,
    );
    const source = needed("$dateFromString", found, "dateString", 40542);
    return (scope) => {
      const value = source(scope);
      if (!present(value)) return found.has("onNull") ? found.get("onNull")?.(scope) : nullRaw;
      try {
        const zone = found.has("timezone") ? zoneAt(found, scope) : utc;
        const form = found.get("format")?.(scope);
        if (zone === undefined || (found.has("format") && !present(form))) return nullRaw;
        if (value.type !== Type.string)
          throw new StoreError(
            241,
            `$dateFromString requires that 'dateString' be a string, found: ${typeName(value.type)}`,
          );
        const given = found.has("timezone") ? zone : undefined;
        if (form === undefined) return dateRaw(parseIsoDate(stringValue(value), given));
        return dateRaw(parseByFormat(stringValue(value), text("$dateFromString", "format", form), given));
      } catch (error) {
        if (!found.has("onError") || !(error instanceof StoreError) || error.code !== 241) throw error;
        return found.get("onError")?.(scope);
      }
    };
  },
});

function datePart(
  name: string,
  expression: Expression | undefined,
  scope: Scope,
  position: number,
): number | undefined {
  if (expression === undefined) return position > 0 ? 1 : 0;
  const value = expression(scope);
  if (!present(value)) return undefined;
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isInteger(number))
    throw new StoreError(40515, `'${name}' must evaluate to an integer, found ${typeName(value.type)}`);
  if (position === 0 && (number < 1 || number > 9999))
    throw new StoreError(
      40523,
      `'${name}' must evaluate to an integer in the range 1 to 9999, found ${number}`,
    );
  if (Math.abs(number) > 32767 && !["second", "millisecond"].includes(name))
    throw new StoreError(
      31034,
      `'${name}' must evaluate to a value in the range [-32768, 32767]; value ${number} is not in range`,
    );
  if (Math.abs(number) > 2 ** 53) throw new StoreError(31034, `'${name}' is out of range`);
  return number;
}

function shift(name: string, sign: 1 | -1): void {
  define({
    [name]: (operand, names) => {
      const found = argumentsOf(name, operand, "startDate unit amount timezone", names, 5166401);
      const [start, unit, amount] = ["startDate", "unit", "amount"].map((it) =>
        needed(name, found, it, 5166402),
      ) as [Expression, Expression, Expression];
      return (scope) => {
        const values = [start(scope), unit(scope), amount(scope)];
        const zone = zoneAt(found, scope);
        if (!values.every(present) || zone === undefined) return nullRaw;
        const [from, of, by] = values as [Raw, Raw, Raw];
        if (from.type !== Type.date && from.type !== Type.timestamp && from.type !== Type.objectId)
          throw new StoreError(5166403, `${name} requires startDate to be convertible to a date`);
        const count = by.isNumber() ? numberOf(by) : Number.NaN;
        if (!Number.isInteger(count))
          throw new StoreError(5166405, `${name} expects integer amount of time units`);
        return dateRaw(checkRange(shifted(instantOf(from), unitOf(name, of), count * sign, zone)));
      };
    },
  });
}
shift("$dateAdd", 1);
shift("$dateSubtract", -1);

/** Months and days are counted on local clocks, hours and less on absolute time. */
function shifted(ms: number, unit: Unit, count: number, zone: Zone): number {
  const size = unitMs[unit];
  if (size !== undefined) return ms + count * size;
  const local = ms + zone.offsetAt(ms);
  const months = unitMonths[unit];
  if (months !== undefined) {
    if (Math.abs(count * months) > 12 * 600_000) throw new StoreError(5166406, "the amount is too large");
    return zone.toInstant(addMonths(local, count * months));
  }
  return zone.toInstant(checkRange(local + count * dayMs * (unit === "week" ? 7 : 1)));
}

function weekStart(name: string, found: Arguments, unit: Unit, scope: Scope): number | undefined {
  const expression = found.get("startOfWeek");
  if (expression === undefined || unit !== "week") return 0;
  const value = expression(scope);
  return present(value) ? weekdayNamed(text(name, "startOfWeek", value)) : undefined;
}

define({
  $dateDiff: (operand, names) => {
    const name = "$dateDiff";
    const found = argumentsOf(name, operand, "startDate endDate unit timezone startOfWeek", names, 5166302);
    const parts = ["startDate", "endDate", "unit"].map((it) => needed(name, found, it, 5166303));
    return (scope) => {
      const values = parts.map((it) => it(scope));
      const zone = zoneAt(found, scope);
      if (!values.every(present) || zone === undefined) return nullRaw;
      const [start, end, of] = values as [Raw, Raw, Raw];
      const unit = unitOf(name, of);
      const first = weekStart(name, found, unit, scope);
      return first === undefined
        ? nullRaw
        : longRaw(BigInt(boundaries(instantOf(start), instantOf(end), unit, zone, first)));
    };
  },
  $dateTrunc: (operand, names) => {
    const name = "$dateTrunc";
    const found = argumentsOf(name, operand, "date unit binSize timezone startOfWeek", names, 5439008);
    const [date, of] = ["date", "unit"].map((it) => needed(name, found, it, 5439009)) as [
      Expression,
      Expression,
    ];
    return (scope) => {
      const value = date(scope);
      const unitValue = of(scope);
      const zone = zoneAt(found, scope);
      const bin = found.has("binSize") ? found.get("binSize")?.(scope) : intRaw(1);
      if (!present(value) || !present(unitValue) || !present(bin) || zone === undefined) return nullRaw;
      const size = bin.isNumber() ? numberOf(bin) : Number.NaN;
      if (!Number.isInteger(size) || size < 1 || size > 2 ** 31)
        throw new StoreError(5439017, `${name} requires 'binSize' to be a positive 64-bit integer`);
      const unit = unitOf(name, unitValue);
      const first = weekStart(name, found, unit, scope);
      if (first === undefined) return nullRaw;
      return dateRaw(checkRange(truncated(instantOf(value), unit, size, zone, first)));
    };
  },
});

/** How many starts of a unit are after the first instant and up to the second. */
function boundaries(start: number, end: number, unit: Unit, zone: Zone, firstDay: number): number {
  const [offsetStart, offsetEnd] = [zone.offsetAt(start), zone.offsetAt(end)];
  const [from, to] = [start + offsetStart, end + offsetEnd];
  const size = unitMs[unit];
  if (size !== undefined) {
    const moved = Math.trunc((offsetEnd - offsetStart) / size);
    return Math.floor(to / size) - Math.floor(from / size) - moved || 0;
  }
  const months = unitMonths[unit];
  if (months !== undefined)
    return Math.floor(monthNumber(to) / months) - Math.floor(monthNumber(from) / months);
  if (unit === "day") return dayNumber(to) - dayNumber(from);
  // Day 0 was a Thursday.
  const week = (local: number) => Math.floor((dayNumber(local) + 4 - firstDay) / 7);
  return week(to) - week(from);
}

const reference = civil(2000, 1, 1);

/** The start of the bin of an instant. Bins are counted from the start of the year 2000. */
function truncated(ms: number, unit: Unit, size: number, zone: Zone, firstDay: number): number {
  const fixed = unitMs[unit];
  if (fixed !== undefined) {
    const start = zone.toInstant(reference);
    return start + Math.floor((ms - start) / (fixed * size)) * fixed * size;
  }
  const local = ms + zone.offsetAt(ms);
  const months = unitMonths[unit];
  if (months !== undefined) {
    const from = monthNumber(reference);
    const bin = months * size;
    return zone.toInstant(civil(0, from + Math.floor((monthNumber(local) - from) / bin) * bin + 1, 1));
  }
  const days = unit === "week" ? 7 * size : size;
  // The first such weekday of 2000, whose first day was a Saturday.
  const start = dayNumber(reference) + (unit === "week" ? (firstDay + 1) % 7 : 0);
  return zone.toInstant((start + Math.floor((dayNumber(local) - start) / days) * days) * dayMs);
}

define({
  $tsSecond: (operand, names) => timestampPart("$tsSecond", operand, names, 4),
  $tsIncrement: (operand, names) => timestampPart("$tsIncrement", operand, names, 0),
});

function timestampPart(name: string, operand: Raw, names: Names, at: number): Expression {
  const value = compileExpression(operand, names);
  return (scope) => {
    const found = value(scope);
    if (!present(found)) return nullRaw;
    if (found.type !== Type.timestamp)
      throw new StoreError(5687301, `${name} Argument must be a timestamp but was ${typeName(found.type)}`);
    return longRaw(BigInt(found.buf.readUInt32LE(found.start + at)));
  };
}
