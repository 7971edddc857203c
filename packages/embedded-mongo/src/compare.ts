/** MongoDB's comparison order over raw values. */
import { Elements, int32, numberOf, type Raw, Type } from "./bson/raw.ts";
import { encodeKey, typeOrder } from "./key-encoding.ts";

/** Negative, zero or positive: `a` sorts before, with or after `b`. */
export function compareValues(a: Raw, b: Raw): number {
  const types = typeOrder(a.type) - typeOrder(b.type);
  if (types !== 0) return types;
  switch (a.type) {
    case Type.int:
    case Type.double:
    case Type.long:
    case Type.decimal:
      return compareNumbers(a, b);
    case Type.string:
    case Type.symbol:
    case Type.code:
      return a.buf.compare(b.buf, b.start + 4, b.end - 1, a.start + 4, a.end - 1);
    case Type.objectId:
      return a.buf.compare(b.buf, b.start, b.end, a.start, a.end);
    case Type.bool:
      return (a.buf[a.start] as number) - (b.buf[b.start] as number);
    case Type.date: {
      const x = a.buf.readBigInt64LE(a.start);
      const y = b.buf.readBigInt64LE(b.start);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case Type.object:
      return compareObjects(a, b, true);
    case Type.array:
      return compareObjects(a, b, false);
    case Type.binary:
      return (
        int32(a.buf, a.start) - int32(b.buf, b.start) ||
        a.buf.compare(b.buf, b.start + 4, b.end, a.start + 4, a.end)
      );
    case Type.null:
    case Type.undefined:
    case Type.minKey:
    case Type.maxKey:
      return 0;
    default:
      return encodeKey(a).compare(encodeKey(b));
  }
}

function compareNumbers(a: Raw, b: Raw): number {
  if (a.type === Type.int && b.type === Type.int) return int32(a.buf, a.start) - int32(b.buf, b.start);
  if (a.type !== Type.decimal && b.type !== Type.decimal) {
    if (a.type === Type.long && b.type === Type.long) {
      const x = a.buf.readBigInt64LE(a.start);
      const y = b.buf.readBigInt64LE(b.start);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    const x = numberOf(a);
    const y = numberOf(b);
    const big = Number.MAX_SAFE_INTEGER;
    if ((a.type !== Type.long && b.type !== Type.long) || Math.abs(x) < big || Math.abs(y) < big) {
      if (x < y) return -1;
      if (x > y) return 1;
      if (x === y) return 0;
      return (Number.isNaN(y) ? 1 : 0) - (Number.isNaN(x) ? 1 : 0);
    }
  }
  return encodeKey(a).compare(encodeKey(b));
}

function compareObjects(a: Raw, b: Raw, names: boolean): number {
  const left = new Elements(a);
  const right = new Elements(b);
  while (true) {
    const more = left.next();
    if (!right.next()) return more ? 1 : 0;
    if (!more) return -1;
    const types = typeOrder(left.type) - typeOrder(right.type);
    if (types !== 0) return types;
    if (names) {
      const byName = a.buf.compare(b.buf, right.nameStart, right.nameEnd, left.nameStart, left.nameEnd);
      if (byName !== 0) return byName;
    }
    const byValue = compareValues(left.value(), right.value());
    if (byValue !== 0) return byValue;
  }
}

/** Equality of MongoDB's queries: 1 equals 1.0, and field order matters. */
export function equalValues(a: Raw, b: Raw): boolean {
  return typeOrder(a.type) === typeOrder(b.type) && compareValues(a, b) === 0;
}

/** The same type and bytes. An update that changes nothing keeps these. */
export function identical(a: Raw, b: Raw): boolean {
  return (
    a.type === b.type &&
    a.end - a.start === b.end - b.start &&
    a.buf.compare(b.buf, b.start, b.end, a.start, a.end) === 0
  );
}

/** A key for grouping: equal values give equal text, for every numeric type. */
export function groupKey(value: Raw): string {
  return encodeKey(value).toString("latin1");
}

/** The one of several values (of an array field) that a sort in this direction uses. */
export function sortValue(values: Raw[], descending: boolean): Raw {
  let best = values[0] as Raw;
  for (const value of values) {
    const order = compareValues(value, best);
    if (descending ? order > 0 : order < 0) best = value;
  }
  return best;
}
