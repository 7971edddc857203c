/** Resolves `$`, `$[]` and `$[name]` in an update path into positions of one document. */

import { rawWrap } from "../bson/compose.ts";
import type { Raw } from "../bson/raw.ts";
import type { Tree } from "../bson/tree.ts";
import { badValue } from "../errors.ts";
import { type Path, parsePath } from "../path.ts";
import type { Filter } from "../query/ast.ts";
import { compileFilter } from "../query/match.ts";

/** The concrete paths of `path`. Usually the path itself. */
export function expandPath(
  root: Tree,
  path: Path,
  filters: ReadonlyMap<string, Filter>,
  position: (prefix: string) => number | undefined,
): Path[] {
  if (!path.text.includes("$")) return [path];
  let prefixes: string[][] = [[]];
  for (const { text } of path.parts) {
    if (text === "$") {
      prefixes = prefixes.map((prefix) => [...prefix, matched(prefix, path, position)]);
    } else if (text.startsWith("$[")) {
      const name = text.slice(2, -1);
      const test = name === "" ? () => true : elementFilter(name, filters);
      prefixes = prefixes.flatMap((prefix) =>
        positions(root, prefix, path, test).map((i) => [...prefix, String(i)]),
      );
    } else {
      prefixes = prefixes.map((prefix) => [...prefix, text]);
    }
  }
  return prefixes.map((parts) => parsePath(parts.join(".")));
}

function matched(prefix: string[], path: Path, position: (prefix: string) => number | undefined): string {
  const found = position(prefix.join("."));
  if (found === undefined) {
    throw badValue(
      `The positional operator did not find the match needed from the query. Unexpanded update: ${path.text}`,
    );
  }
  return String(found);
}

function elementFilter(name: string, filters: ReadonlyMap<string, Filter>): (element: Raw) => boolean {
  const filter = filters.get(name);
  if (filter === undefined) throw badValue(`No array filter found for identifier '${name}'`);
  const matches = compileFilter(filter);
  return (element) => matches(rawWrap(name, element));
}

function positions(root: Tree, prefix: string[], path: Path, test: (element: Raw) => boolean): number[] {
  let tree = root;
  for (const part of parsePath(prefix.join(".")).parts) {
    const item = tree.find(part);
    if (item === undefined || !item.isContainer()) {
      throw badValue(
        `The path '${prefix.join(".")}' must exist in the document in order to apply array updates.`,
      );
    }
    tree = item.open();
  }
  if (!tree.isArray)
    throw badValue(`Cannot apply array updates to non-array element ${prefix.join(".")} of ${path.text}`);
  return tree.items.flatMap((item, i) => (test(item.raw()) ? [i] : []));
}
