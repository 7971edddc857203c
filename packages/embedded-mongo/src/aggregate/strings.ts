/** Operators on text. Positions count code points (CP) or bytes of UTF-8. */

import { arrayRaw } from "../bson/compose.ts";
import { boolRaw, intRaw, nullRaw, stringRaw } from "../bson/make.ts";
import { numberOf, type Raw, regexParts, stringValue, Type, typeName } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { compileRegex } from "../query/regex.ts";
import { present } from "./arithmetic.ts";
import { coerced } from "./convert.ts";
import {
  compileExpression,
  define,
  type Expression,
  exactly,
  named,
  operands,
  required,
} from "./expression.ts";

define({
  $concat: (operand, names) => {
    const parts = operands(operand, names);
    return (scope) => {
      let text = "";
      for (const part of parts) {
        const value = part(scope);
        if (!present(value)) return nullRaw;
        if (value.type !== Type.string)
          throw new StoreError(16702, `$concat only supports strings, not ${typeName(value.type)}`);
        text += stringValue(value);
      }
      return stringRaw(text);
    };
  },
  $split: (operand, names) => {
    const [input, by] = exactly("$split", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const text = input(scope);
      const delimiter = by(scope);
      if (!present(text) || !present(delimiter)) return nullRaw;
      if (text.type !== Type.string)
        throw new StoreError(
          40085,
          `$split requires an expression that evaluates to a string as a first argument, found: ${typeName(text.type)}`,
        );
      if (delimiter.type !== Type.string)
        throw new StoreError(
          40086,
          `$split requires an expression that evaluates to a string as a second argument, found: ${typeName(delimiter.type)}`,
        );
      if (stringValue(delimiter) === "") throw new StoreError(40087, "$split requires a non-empty separator");
      return arrayRaw(stringValue(text).split(stringValue(delimiter)).map(stringRaw));
    };
  },
});

function length(name: string, code: number, count: (text: string) => number): void {
  define({
    [name]: (operand, names) => {
      const [part] = exactly(name, 1, operand, names) as [Expression];
      return (scope) => {
        const value = part(scope);
        if (value?.type !== Type.string)
          throw new StoreError(
            code,
            `${name} requires a string argument, found: ${value === undefined ? "missing" : typeName(value.type)}`,
          );
        return intRaw(count(stringValue(value)));
      };
    },
  });
}
length("$strLenCP", 34471, (text) => Array.from(text).length);
length("$strLenBytes", 34473, (text) => Buffer.byteLength(text));

function casing(name: string, work: (text: string) => string): void {
  define({
    [name]: (operand, names) => {
      const [part] = exactly(name, 1, operand, names) as [Expression];
      return (scope) => stringRaw(work(coerced(part(scope))));
    },
  });
}
/** MongoDB changes the case of ASCII letters only. */
const upper = (text: string): string => text.replace(/[a-z]+/g, (part) => part.toUpperCase());
casing("$toUpper", upper);
casing("$toLower", (text) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()));

define({
  $strcasecmp: (operand, names) => {
    const [left, right] = exactly("$strcasecmp", 2, operand, names) as [Expression, Expression];
    return (scope) => {
      const a = Buffer.from(upper(coerced(left(scope))));
      return intRaw(Math.sign(a.compare(Buffer.from(upper(coerced(right(scope)))))));
    };
  },
});

function substring(name: string, cut: (text: string, start: number, length: number) => string): void {
  define({
    [name]: (operand, names) => {
      const [input, from, count] = exactly(name, 3, operand, names) as [Expression, Expression, Expression];
      return (scope) => {
        const text = coerced(input(scope));
        const [start, size] = [from(scope), count(scope)];
        if (!start?.isNumber())
          throw new StoreError(
            16034,
            `${name}:  starting index must be a numeric type (is BSON type ${typeName(start?.type ?? 0)})`,
          );
        if (!size?.isNumber())
          throw new StoreError(
            16035,
            `${name}:  length must be a numeric type (is BSON type ${typeName(size?.type ?? 0)})`,
          );
        return stringRaw(cut(text, Math.trunc(numberOf(start)), Math.trunc(numberOf(size))));
      };
    },
  });
}

function cutBytes(text: string, start: number, size: number): string {
  if (start < 0)
    throw new StoreError(50752, `$substrBytes:  starting index must be non-negative (got: ${start})`);
  const bytes = Buffer.from(text);
  const end = size < 0 ? bytes.length : Math.min(bytes.length, start + size);
  const isContinuation = (at: number) => at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80;
  if (isContinuation(start))
    throw new StoreError(28656, "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.");
  if (isContinuation(end))
    throw new StoreError(
      28657,
      "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.",
    );
  return bytes.toString("utf8", Math.min(start, bytes.length), Math.max(start, end));
}

substring("$substr", cutBytes);
substring("$substrBytes", cutBytes);
substring("$substrCP", (text, start, size) => {
  if (start < 0) throw new StoreError(34455, `$substrCP: the starting index must be nonnegative integer.`);
  if (size < 0) throw new StoreError(34454, `$substrCP: length must be a nonnegative integer.`);
  return Array.from(text)
    .slice(start, start + size)
    .join("");
});

/** The default of `$trim`: MongoDB's white space, with the zero byte. */
const blanks = new Set(
  "\0 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a",
);

function trim(name: string, left: boolean, right: boolean): void {
  define({
    [name]: (operand, names) => {
      const found = named(name, operand, ["input", "chars"]);
      const input = compileExpression(required(name, found, "input"), names);
      const given = found.get("chars");
      const chars = given && compileExpression(given, names);
      return (scope) => {
        const text = input(scope);
        const set = chars?.(scope);
        if (!present(text) || (chars !== undefined && !present(set))) return nullRaw;
        if (text.type !== Type.string)
          throw new StoreError(
            50699,
            `${name} requires its input to be a string, got ${typeName(text.type)} instead.`,
          );
        if (set !== undefined && set.type !== Type.string)
          throw new StoreError(
            50700,
            `${name} requires 'chars' to be a string, got ${typeName(set.type)} instead.`,
          );
        const gone = set === undefined ? blanks : new Set(stringValue(set));
        const all = Array.from(stringValue(text));
        let [start, end] = [0, all.length];
        if (left) while (start < end && gone.has(all[start] as string)) start++;
        if (right) while (end > start && gone.has(all[end - 1] as string)) end--;
        return stringRaw(all.slice(start, end).join(""));
      };
    },
  });
}
trim("$trim", true, true);
trim("$ltrim", true, false);
trim("$rtrim", false, true);

function indexOf(
  name: string,
  find: (text: string, part: string, start: number, end: number | undefined) => number,
): void {
  define({
    [name]: (operand, names) => {
      const parts = operands(operand, names);
      if (parts.length < 2 || parts.length > 4)
        throw new StoreError(
          28667,
          `Expression ${name} takes at least 2 arguments, and at most 4, but ${parts.length} were passed in.`,
        );
      return (scope) => {
        const [text, part, start, end] = parts.map((it) => it(scope));
        if (!present(text)) return nullRaw;
        if (text.type !== Type.string)
          throw new StoreError(
            40091,
            `${name} requires a string as the first argument, found: ${typeName(text.type)}`,
          );
        if (part?.type !== Type.string)
          throw new StoreError(
            40092,
            `${name} requires a string as the second argument, found: ${part ? typeName(part.type) : "missing"}`,
          );
        const from = parts[2] ? position(name, start, "starting") : 0;
        const to = parts[3] ? position(name, end, "ending") : undefined;
        return intRaw(find(stringValue(text), stringValue(part), from, to));
      };
    },
  });
}

/** A position from an expression. MongoDB accepts whole numbers only. */
export function position(name: string, value: Raw | undefined, what: string): number {
  const number = value?.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isInteger(number) || Math.abs(number) > 0x7fffffff)
    throw new StoreError(
      40096,
      `${name} requires an integral ${what} index, found a value of type: ${value ? typeName(value.type) : "missing"}`,
    );
  if (number < 0)
    throw new StoreError(40097, `${name} requires a nonnegative ${what} index, found: ${number}`);
  return number;
}

indexOf("$indexOfBytes", (text, part, start, end) => {
  const bytes = Buffer.from(text);
  const until = Math.min(end ?? bytes.length, bytes.length);
  if (start > until) return -1;
  const found = bytes.subarray(0, until).indexOf(part, start);
  return start > bytes.length ? -1 : found;
});
indexOf("$indexOfCP", (text, part, start, end) => {
  const all = Array.from(text);
  const until = Math.min(end ?? all.length, all.length);
  if (start > until) return -1;
  const found = all.slice(start, until).join("").indexOf(part);
  return found === -1 ? -1 : start + Array.from(all.slice(start, until).join("").slice(0, found)).length;
});

function replace(name: string, work: (text: string, find: string, by: string) => string): void {
  define({
    [name]: (operand, names) => {
      const found = named(name, operand, ["input", "find", "replacement"]);
      const parts = ["input", "find", "replacement"].map(
        (it) => [it, compileExpression(required(name, found, it), names)] as const,
      );
      return (scope) => {
        const values = parts.map(([what, part]) => {
          const value = part(scope);
          if (present(value) && value.type !== Type.string)
            throw new StoreError(
              51746,
              `${name} requires that '${what}' be a string, found: ${typeName(value.type)}`,
            );
          return value;
        });
        if (!values.every(present)) return nullRaw;
        const [text, find, by] = (values as Raw[]).map(stringValue) as [string, string, string];
        return stringRaw(work(text, find, by));
      };
    },
  });
}
replace("$replaceOne", (text, find, by) => text.replace(find, () => by));
replace("$replaceAll", (text, find, by) =>
  find === "" ? emptyReplaced(text, by) : text.replaceAll(find, () => by),
);
/** An empty text is found before each character and at the end. */
const emptyReplaced = (text: string, by: string): string =>
  by +
  Array.from(text)
    .map((char) => char + by)
    .join("");

define({
  $regexMatch: (operand, names) => {
    const found = named("$regexMatch", operand, ["input", "regex", "options"]);
    const part = (name: string): Expression | undefined => {
      const value = found.get(name);
      return value && compileExpression(value, names);
    };
    const input = compileExpression(required("$regexMatch", found, "input"), names);
    const regex = compileExpression(required("$regexMatch", found, "regex"), names);
    const options = part("options");
    return (scope) => {
      const text = input(scope);
      const pattern = regex(scope);
      const letters = options?.(scope);
      if (!present(text) || !present(pattern)) return boolRaw(false);
      if (text.type !== Type.string)
        throw new StoreError(51104, "$regexMatch needs 'input' to be of type string");
      if (pattern.type !== Type.string && pattern.type !== Type.regex)
        throw new StoreError(51105, "$regexMatch needs 'regex' to be of type string or regex");
      if (present(letters) && letters.type !== Type.string)
        throw new StoreError(51106, "$regexMatch needs 'options' to be of type string");
      const [source, own] = pattern.type === Type.regex ? regexParts(pattern) : [stringValue(pattern), ""];
      const given = present(letters) ? stringValue(letters) : "";
      if (own !== "" && given !== "")
        throw new StoreError(
          51107,
          "$regexMatch: found regex options specified in both 'regex' and 'options' fields",
        );
      return boolRaw(compileRegex(source, own || given).test(stringValue(text)));
    };
  },
});
