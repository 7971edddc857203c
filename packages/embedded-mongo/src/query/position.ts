/** Which element of an array made a filter match: the meaning of `$` in an update or projection. */
import { items, type Raw, Type } from "../bson/raw.ts";
import { parsePath } from "../path.ts";
import type { Filter, Test } from "./ast.ts";
import { compileElementTest, compileFilter, type ExpressionCompiler } from "./match.ts";
import { firstAt } from "./values.ts";

interface Under {
  readonly rest: string;
  readonly test: Test;
}

/** The first position under `prefix` whose element meets the filter. */
export function matchedPosition(
  filter: Filter,
  document: Raw,
  prefix: string,
  expressions: ExpressionCompiler,
): number | undefined {
  const array = firstAt(document, parsePath(prefix));
  if (array === undefined || array.type !== Type.array) return undefined;
  const tests = testsUnder(filter, prefix).map(({ rest, test }) => elementMatcher(rest, test, expressions));
  if (tests.length === 0) return undefined;
  const elements = items(array);
  const all = elements.findIndex((element) => tests.every((matches) => matches(element)));
  if (all >= 0) return all;
  const any = elements.findIndex((element) => tests.some((matches) => matches(element)));
  return any >= 0 ? any : undefined;
}

function elementMatcher(
  rest: string,
  test: Test,
  expressions: ExpressionCompiler,
): (element: Raw) => boolean {
  if (rest !== "") return compileFilter({ kind: "field", path: parsePath(rest), test }, expressions);
  if (test.op === "elemMatchObject") return compileFilter(test.filter, expressions);
  if (test.op === "elemMatchValue") {
    const tests = test.tests.map((inner) => compileElementTest(inner, expressions));
    return (element) => tests.every((matches) => matches(element));
  }
  return compileElementTest(test, expressions);
}

function testsUnder(filter: Filter, prefix: string): Under[] {
  if (filter.kind === "and" || filter.kind === "or")
    return filter.filters.flatMap((part) => testsUnder(part, prefix));
  if (filter.kind !== "field") return [];
  const { text } = filter.path;
  if (text === prefix) return [{ rest: "", test: filter.test }];
  return text.startsWith(`${prefix}.`) ? [{ rest: text.slice(prefix.length + 1), test: filter.test }] : [];
}
