/** `$pull`: which elements of an array are removed. */

import { rawWrap } from "../bson/compose.ts";
import { fields, type Raw, Type } from "../bson/raw.ts";
import { equalValues } from "../compare.ts";
import { compileFilter } from "../query/match.ts";
import { parseFilter } from "../query/parse.ts";

export type PullTest = (element: Raw) => boolean;

/**
 * Conditions on an element apply as to a field that contains it. If the element is an array, one of its own elements
 * is enough.
 */
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
