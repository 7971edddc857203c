/** `$pull`: which elements of an array go. */

import { rawWrap } from "../bson/compose.ts";
import { fields, type Raw, Type } from "../bson/raw.ts";
import { equalValues } from "../compare.ts";
import { compileFilter } from "../query/match.ts";
import { parseFilter } from "../query/parse.ts";

export type PullTest = (element: Raw) => boolean;

/** Conditions on an element are met as by a field that holds it: of an array in the array, one of its elements may do. */
function asField(condition: Raw): PullTest {
  const filter = parseFilter(rawWrap("v", condition));
  const matches = compileFilter(filter);
  return (element) => matches(rawWrap("v", element));
}

/** A condition on elements: a value, a filter over embedded documents, or operators on the element itself. */
export function parsePull(value: Raw): PullTest {
  if (value.type === Type.regex) return asField(value);
  if (value.type !== Type.object) return (element) => equalValues(element, value);
  const first = fields(value)[0]?.[0];
  if (first?.startsWith("$") && !["$and", "$or", "$nor", "$expr"].includes(first)) {
    return asField(value);
  }
  const whole = compileFilter(parseFilter(value));
  return (element) => element.type === Type.object && whole(element);
}
