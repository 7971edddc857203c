/** `$pull`: which elements of an array go. */
import { fields, type Raw, regexParts, stringValue, Type } from "../bson/raw.ts";
import { equalValues } from "../compare.ts";
import { type ExpressionCompiler, elementTest } from "../query/match.ts";
import { parseElemMatchValue, parseFilter } from "../query/parse.ts";
import { compileRegex } from "../query/regex.ts";

export type PullTest = (element: Raw) => boolean;

const noExpressions: ExpressionCompiler = () => {
  throw new Error("$expr can't be used in $pull");
};

/** A condition on elements: a value, a filter over embedded documents, or operators on the element itself. */
export function parsePull(value: Raw): PullTest {
  if (value.type === Type.regex) {
    const pattern = compileRegex(...regexParts(value));
    return (element) => element.type === Type.string && pattern.test(stringValue(element));
  }
  if (value.type !== Type.object) return (element) => equalValues(element, value);
  const first = fields(value)[0]?.[0];
  if (first?.startsWith("$") && !["$and", "$or", "$nor"].includes(first)) {
    return elementTest({ op: "elemMatchValue", tests: parseElemMatchValue(value) }, noExpressions);
  }
  const whole = elementTest({ op: "elemMatchObject", filter: parseFilter(value) }, noExpressions);
  return (element) => element.type === Type.object && whole(element);
}
