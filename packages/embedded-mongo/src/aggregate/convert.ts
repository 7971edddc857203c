/** Conversions between types, and what type a value has. */
import { exactOf, isSpecial, parseExact, roundDecimal, toDecimal, widened } from "../bson/decimal.ts";
import { boolRaw, dateRaw, doubleRaw, intRaw, longRaw, nullRaw, stringRaw } from "../bson/make.ts";
import { dateMs, numberOf, Raw, stringValue, Type, toJs, truthy, typeName } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { bigOf, isInteger, present } from "./arithmetic.ts";
import { isoText } from "./dates/format.ts";
import { parseIsoDate } from "./dates/parse.ts";
import { utc } from "./dates/zone.ts";
import { compileExpression, define, type Expression, exactly, named, required } from "./expression.ts";

const suffix = "in $convert with no onError value";
const failure = (message: string): StoreError => new StoreError(241, message);
const unsupported = (value: Raw, to: string): StoreError =>
  failure(`Unsupported conversion from ${typeName(value.type)} to ${to} ${suffix}`);

/** A double in the format of C's `%.16g`, which MongoDB uses. */
function doubleText(value: number): string {
  if (!Number.isFinite(value))
    throw new StoreError(238, "text of NaN and infinity is not supported by this store");
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", power = "0"] = value.toExponential(15).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${trimZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  return trimZeros(value.toFixed(Math.max(0, 15 - exponent)));
}

const trimZeros = (text: string): string =>
  text.includes(".") ? text.replace(/(?<!0)0+$/, "").replace(/\.$/, "") : text;

function toText(value: Raw): Raw {
  switch (value.type) {
    case Type.string:
      return value;
    case Type.bool:
      return stringRaw(truthy(value) ? "true" : "false");
    case Type.double:
      return stringRaw(doubleText(numberOf(value)));
    case Type.int:
    case Type.long:
      return stringRaw(bigOf(value).toString());
    case Type.decimal:
    case Type.objectId:
      return stringRaw(String(toJs(value)));
    case Type.date:
      return stringRaw(isoText(dateMs(value), utc, "Z"));
    default:
      throw unsupported(value, "string");
  }
}

/** The integer part of a number between two bounds. */
function whole(value: Raw, low: bigint, high: bigint): bigint {
  if (isInteger(value)) return bounded(bigOf(value), value, low, high);
  const number = numberOf(value);
  if (Number.isNaN(number)) throw failure(`Attempt to convert NaN value to integer type ${suffix}`);
  if (!Number.isFinite(number)) throw failure(`Attempt to convert infinity value to integer type ${suffix}`);
  const exact = exactOf(
    value.type === Type.decimal ? roundDecimal(value, 0, "trunc") : doubleRaw(Math.trunc(number)),
  );
  if (isSpecial(exact)) throw failure(`Attempt to convert ${exact} value to integer type ${suffix}`);
  if (exact.exponent > 40) throw overflow(value);
  return bounded(exact.coefficient * 10n ** BigInt(Math.max(0, exact.exponent)), value, low, high);
}

const overflow = (value: Raw): StoreError =>
  failure(`Conversion would overflow target type ${suffix}: ${String(toJs(value))}`);

function bounded(found: bigint, value: Raw, low: bigint, high: bigint): bigint {
  if (found < low || found > high) throw overflow(value);
  return found;
}

function parsed(value: Raw, low: bigint, high: bigint): bigint {
  const text = stringValue(value);
  if (!/^[+-]?\d{1,40}$/.test(text)) throw failure(`Failed to parse number '${text}' ${suffix}`);
  const found = BigInt(text.replace(/^\+/, ""));
  if (found < low || found > high) throw failure(`Failed to parse number '${text}' ${suffix}: Overflow`);
  return found;
}

function toInteger(value: Raw, to: "int" | "long"): bigint {
  const [low, high] = to === "int" ? [-0x80000000n, 0x7fffffffn] : [-(2n ** 63n), 2n ** 63n - 1n];
  if (value.isNumber()) return whole(value, low, high);
  if (value.type === Type.bool) return truthy(value) ? 1n : 0n;
  if (value.type === Type.string) return parsed(value, low, high);
  if (value.type === Type.date && to === "long") return value.buf.readBigInt64LE(value.start);
  throw unsupported(value, to);
}

const numeral = /^[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,5})?$/;
const special = /^([+-]?)(inf|infinity|nan)$/i;

function toDouble(value: Raw): Raw {
  if (value.type === Type.double) return value;
  if (value.isNumber()) {
    const number = numberOf(value);
    if (value.type === Type.decimal && !Number.isFinite(number) && !isSpecial(exactOf(value)))
      throw overflow(value);
    return doubleRaw(number);
  }
  if (value.type === Type.bool) return doubleRaw(truthy(value) ? 1 : 0);
  if (value.type === Type.date) return doubleRaw(dateMs(value));
  if (value.type !== Type.string) throw unsupported(value, "double");
  const text = stringValue(value);
  const named = special.exec(text);
  if (named !== null)
    return doubleRaw(
      /nan/i.test(text) ? Number.NaN : named[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
    );
  if (!numeral.test(text)) throw failure(`Failed to parse number '${text}' ${suffix}`);
  const number = Number(text);
  if (!Number.isFinite(number)) throw failure(`Failed to parse number '${text}' ${suffix}: Out of range`);
  return doubleRaw(number);
}

function toDecimal128(value: Raw): Raw {
  if (value.type === Type.decimal) return value;
  if (value.type === Type.double) return widened(value);
  if (value.isNumber()) return toDecimal({ coefficient: bigOf(value), exponent: 0 });
  if (value.type === Type.bool) return toDecimal({ coefficient: truthy(value) ? 1n : 0n, exponent: 0 });
  if (value.type === Type.date) return toDecimal({ coefficient: BigInt(dateMs(value)), exponent: 0 });
  if (value.type !== Type.string) throw unsupported(value, "decimal");
  const text = stringValue(value);
  if (!numeral.test(text) && !special.test(text)) throw failure(`Failed to parse number '${text}' ${suffix}`);
  return toDecimal(parseExact(text.replace(/^\+/, "")));
}

function toDate(value: Raw): Raw {
  switch (value.type) {
    case Type.date:
      return value;
    case Type.double:
    case Type.long:
    case Type.decimal:
      return dateRaw(toInteger(value, "long"));
    case Type.objectId:
      return dateRaw(value.buf.readUInt32BE(value.start) * 1000);
    case Type.timestamp:
      return dateRaw(value.buf.readUInt32LE(value.start + 4) * 1000);
    case Type.string:
      return dateRaw(parseIsoDate(stringValue(value), undefined));
    default:
      throw unsupported(value, "date");
  }
}

function toObjectId(value: Raw): Raw {
  if (value.type === Type.objectId) return value;
  if (value.type !== Type.string) throw unsupported(value, "objectId");
  const text = stringValue(value);
  if (!/^[0-9a-fA-F]{24}$/.test(text))
    throw failure(
      `Failed to parse objectId '${text}' ${suffix}: Invalid string length for parsing to OID, expected 24`,
    );
  return new Raw(Type.objectId, Buffer.from(text, "hex"), 0, 12);
}

function toBool(value: Raw): Raw {
  const known = [Type.bool, Type.string, Type.date, Type.objectId] as readonly number[];
  if (
    !value.isNumber() &&
    !known.includes(value.type) &&
    value.type !== Type.object &&
    value.type !== Type.array
  )
    throw unsupported(value, "bool");
  return boolRaw(truthy(value));
}

const conversions: Record<string, (value: Raw) => Raw> = {
  double: toDouble,
  string: toText,
  objectId: toObjectId,
  bool: toBool,
  date: toDate,
  int: (value) => intRaw(Number(toInteger(value, "int"))),
  long: (value) => longRaw(toInteger(value, "long")),
  decimal: toDecimal128,
};

const operatorOf: Record<string, string> = {
  $toDouble: "double",
  $toString: "string",
  $toObjectId: "objectId",
  $toBool: "bool",
  $toDate: "date",
  $toInt: "int",
  $toLong: "long",
  $toDecimal: "decimal",
};

for (const [name, to] of Object.entries(operatorOf)) {
  define({
    [name]: (operand, names) => {
      const [part] = exactly(name, 1, operand, names) as [Expression];
      const convert = conversions[to] as (value: Raw) => Raw;
      return (scope) => {
        const value = part(scope);
        return present(value) ? convert(value) : nullRaw;
      };
    },
  });
}

define({
  $convert: (operand, names) => {
    const found = named("$convert", operand, ["input", "to", "onError", "onNull"]);
    const input = compileExpression(required("$convert", found, "input"), names);
    const to = compileExpression(required("$convert", found, "to"), names);
    const optional = (name: string) => {
      const value = found.get(name);
      return value && compileExpression(value, names);
    };
    const onError = optional("onError");
    const onNull = optional("onNull");
    return (scope) => {
      const value = input(scope);
      const target = to(scope);
      if (!present(value)) return onNull ? onNull(scope) : nullRaw;
      if (!present(target)) return nullRaw;
      const convert = conversions[targetOf(target)];
      try {
        if (convert === undefined) throw unsupported(value, targetOf(target));
        return convert(value);
      } catch (error) {
        if (onError === undefined || !(error instanceof StoreError) || error.code !== 241) throw error;
        return onError(scope);
      }
    };
  },
  $type: (operand, names) => {
    const [part] = exactly("$type", 1, operand, names) as [Expression];
    return (scope) => {
      const value = part(scope);
      return stringRaw(value === undefined ? "missing" : typeName(value.type));
    };
  },
  $isNumber: (operand, names) => {
    const [part] = exactly("$isNumber", 1, operand, names) as [Expression];
    return (scope) => boolRaw(part(scope)?.isNumber() ?? false);
  },
});

function targetOf(value: Raw): string {
  if (value.type === Type.string) {
    const name = stringValue(value);
    if (typeNames.has(name)) return name;
    throw new StoreError(2, `Unknown type name: ${name}`);
  }
  const code = value.isNumber() ? numberOf(value) : Number.NaN;
  const name = typeName(code === -1 ? Type.minKey : code);
  if (name === "unknown")
    throw new StoreError(
      9,
      `In $convert, numeric value for 'to' does not correspond to a BSON type: ${code}`,
    );
  return name;
}

const typeNames = new Set([...Object.values(Type).map(typeName)]);

/** A value as the string operators use it: numbers and dates as text, null as nothing. */
export function coerced(value: Raw | undefined): string {
  if (!present(value)) return "";
  const known = [
    Type.string,
    Type.symbol,
    Type.int,
    Type.long,
    Type.double,
    Type.decimal,
    Type.date,
  ] as readonly number[];
  if (!known.includes(value.type))
    throw new StoreError(16007, `can't convert from BSON type ${typeName(value.type)} to String`);
  return value.type === Type.symbol ? stringValue(value) : stringValue(toText(value));
}
