/** Projections over raw documents: inclusion, exclusion, `$slice`, `$elemMatch`, `$meta`, the positional `$`. */

import { arrayRaw } from "../bson/compose.ts";
import { doubleRaw, emptyDocument } from "../bson/make.ts";
import {
  Elements,
  fields,
  getField,
  items,
  numberOf,
  Raw,
  rawDocument,
  stringValue,
  Type,
  truthy,
} from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { badValue, StoreError } from "../errors.ts";
import type { ExpressionCompiler } from "./match.ts";
import { elementTest } from "./match.ts";
import { parseElemMatchTest } from "./parse.ts";

/** What a projection may need in addition to the document. */
export interface ProjectionContext {
  readonly score?: number | undefined;
  /** Array position matched by the filter under a path, for `field.$`. */
  readonly position?: (path: string) => number | undefined;
}

export type Projection = (document: Raw, context: ProjectionContext) => Raw;
/** Evaluates computed fields. Passed in, as for filters. */
export type ValueCompiler = (expression: Raw) => (document: Raw) => Raw | undefined;

interface Node {
  readonly children: Map<string, Node>;
  leaf: Leaf | undefined;
}

type Leaf =
  | { readonly kind: "keep" | "drop" | "score" | "first" }
  | { readonly kind: "slice"; readonly skip: number; readonly count: number }
  | { readonly kind: "element"; readonly test: (element: Raw) => boolean }
  | { readonly kind: "computed"; readonly value: (document: Raw) => Raw | undefined };

/** Compiles a projection. Undefined for an empty one. */
export function compileProjection(
  spec: Raw,
  tests: ExpressionCompiler,
  values: ValueCompiler,
): Projection | undefined {
  const root: Node = { children: new Map(), leaf: undefined };
  const found = { include: false, exclude: false, names: 0 };
  for (const [path, value] of fields(spec)) addField(root, path, value, found, tests, values);
  if (found.names === 0) return undefined;
  const id = root.children.get("_id")?.leaf;
  const including = found.include || (!found.exclude && id?.kind === "keep");
  if (including && id === undefined && !root.children.has("_id")) {
    root.children.set("_id", { children: new Map(), leaf: { kind: "keep" } });
  }
  return (document, context) => {
    const writer = new Writer(Math.min(document.end - document.start + 64, 65536));
    writeObject(writer, document, root, including, document, context, "");
    return rawDocument(writer.buf);
  };
}

interface Found {
  include: boolean;
  exclude: boolean;
  names: number;
}

function addField(
  root: Node,
  path: string,
  value: Raw,
  found: Found,
  tests: ExpressionCompiler,
  values: ValueCompiler,
): void {
  if (path === "" || path.startsWith(".") || path.endsWith(".") || path.includes("..")) {
    throw new StoreError(40353, "FieldPath must not be empty or end with a '.'.");
  }
  if (path.startsWith("$"))
    throw new StoreError(
      16410,
      "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
    );
  found.names++;
  if (path.endsWith(".$")) {
    found.include = true;
    place(root, path.slice(0, -2), { kind: "first" });
    return;
  }
  if (value.type === Type.object) {
    const inner = fields(value);
    if (inner.length > 1 && inner.some(([name]) => name.startsWith("$")))
      throw new StoreError(15983, "An object representing an expression must have exactly one field");
    const first = inner[0]?.[0];
    if (first === undefined)
      throw new StoreError(51270, "An empty sub-projection is not a valid value. Found empty object at path");
    if (!first.startsWith("$")) {
      for (const [name, part] of inner) addField(root, `${path}.${name}`, part, found, tests, values);
      return;
    }
    const leaf = operatorLeaf(value, first, found, tests, values);
    if (leaf.kind === "computed") refuseInExclusion(found);
    place(root, path, leaf);
    return;
  }
  if (value.isNumber() || value.type === Type.bool) {
    const keep = truthy(value);
    if (path !== "_id") {
      if (keep ? found.exclude : found.include) {
        throw new StoreError(
          keep ? 31253 : 31254,
          `Cannot do ${keep ? "inclusion" : "exclusion"} on field ${path} in ${keep ? "exclusion" : "inclusion"} projection`,
        );
      }
      found[keep ? "include" : "exclude"] = true;
    }
    place(root, path, { kind: keep ? "keep" : "drop" });
    return;
  }
  refuseInExclusion(found);
  found.include = true;
  place(root, path, { kind: "computed", value: values(value) });
}

function refuseInExclusion(found: Found): void {
  if (found.exclude)
    throw new StoreError(31252, "Cannot use expression other than $meta in exclusion projection");
}

function operatorLeaf(
  value: Raw,
  operator: string,
  found: Found,
  tests: ExpressionCompiler,
  values: ValueCompiler,
): Leaf {
  const operand = fields(value)[0]?.[1] as Raw;
  if (
    operator === "$slice" &&
    (operand.isNumber() || (operand.type === Type.array && items(operand).every((part) => part.isNumber())))
  ) {
    return sliceLeaf(operand);
  }
  if (operator === "$meta") {
    if (operand.type === Type.string && stringValue(operand) === "textScore") return { kind: "score" };
    throw badValue("Unsupported argument to $meta");
  }
  found.include = true;
  if (operator === "$elemMatch")
    return { kind: "element", test: elementTest(parseElemMatchTest(operand), tests) };
  return { kind: "computed", value: values(value) };
}

function sliceLeaf(value: Raw): Leaf {
  if (value.isNumber()) {
    const count = Math.trunc(numberOf(value));
    return count >= 0 ? { kind: "slice", skip: 0, count } : { kind: "slice", skip: count, count: -count };
  }
  const [skip, count] = items(value).map(numberOf);
  if (skip === undefined || count === undefined)
    throw new StoreError(28667, "Expression $slice takes 2 numbers");
  if (count <= 0) throw new StoreError(28729, `Third argument to $slice must be positive: ${count}`);
  return { kind: "slice", skip: Math.trunc(skip), count: Math.trunc(count) };
}

function place(root: Node, path: string, leaf: Leaf): void {
  let node = root;
  for (const name of path.split(".")) {
    if (node.leaf !== undefined) throw new StoreError(31249, `Path collision at ${path}`);
    let next = node.children.get(name);
    if (next === undefined) {
      next = { children: new Map(), leaf: undefined };
      node.children.set(name, next);
    }
    node = next;
  }
  if (node.leaf !== undefined || node.children.size > 0)
    throw new StoreError(31250, `Path collision at ${path}`);
  node.leaf = leaf;
}

function writeObject(
  writer: Writer,
  value: Raw,
  node: Node,
  including: boolean,
  root: Raw,
  context: ProjectionContext,
  path: string,
): void {
  const mark = writer.open();
  const elements = new Elements(value);
  while (elements.next()) {
    const name = elements.name();
    const child = node.children.get(name);
    if (child === undefined) {
      if (!including) writer.copy(elements.buf, elements.from, elements.end);
    } else if (child.leaf === undefined) {
      writeInner(writer, name, elements.value(), child, including, root, context, `${path}${name}.`);
    } else {
      writeLeaf(writer, name, elements, child.leaf, context, path);
    }
  }
  for (const [name, child] of node.children) writeComputed(writer, name, child, value, root, context);
  writer.close(mark);
}

function writeLeaf(
  writer: Writer,
  name: string,
  found: Elements,
  leaf: Leaf,
  context: ProjectionContext,
  path: string,
): void {
  if (leaf.kind === "keep" || (found.type !== Type.array && leaf.kind === "slice")) {
    writer.copy(found.buf, found.from, found.end);
  } else if (leaf.kind === "slice") {
    writer.raw(name, arrayRaw(slice(items(found.value()), leaf.skip, leaf.count)));
  } else if (leaf.kind === "element" && found.type === Type.array) {
    const first = items(found.value()).find(leaf.test);
    if (first !== undefined) writer.raw(name, arrayRaw([first]));
  } else if (leaf.kind === "first") {
    const at = context.position?.(path + name);
    if (found.type !== Type.array) writer.copy(found.buf, found.from, found.end);
    else if (at === undefined)
      throw new StoreError(
        51246,
        "Executor error during find command: positional operator '.$' couldn't find a matching element in the array",
      );
    else writer.raw(name, arrayRaw(items(found.value()).slice(at, at + 1)));
  }
}

function slice(values: Raw[], skip: number, count: number): Raw[] {
  const start = skip < 0 ? Math.max(0, values.length + skip) : skip;
  return values.slice(start, start + count);
}

/** A value under a path that continues: documents are entered, arrays element by element. */
function writeInner(
  writer: Writer,
  name: string,
  value: Raw,
  node: Node,
  including: boolean,
  root: Raw,
  context: ProjectionContext,
  path: string,
): void {
  if (value.type === Type.object) {
    writer.name(Type.object, name);
    writeObject(writer, value, node, including, root, context, path);
  } else if (value.type === Type.array) {
    writer.name(Type.array, name);
    const mark = writer.open();
    let index = 0;
    for (const element of items(value)) {
      const enters = element.type === Type.object || element.type === Type.array;
      if (!enters && including) continue;
      const at = String(index++);
      if (enters) writeInner(writer, at, element, node, including, root, context, path);
      else writer.raw(at, element);
    }
    writer.close(mark);
  } else if (!including) {
    writer.raw(name, value);
  }
}

function writeComputed(
  writer: Writer,
  name: string,
  node: Node,
  value: Raw,
  root: Raw,
  context: ProjectionContext,
): void {
  const { leaf } = node;
  if (leaf?.kind === "score") {
    if (context.score === undefined)
      throw new StoreError(40218, "query requires text score metadata, but it is not available");
    writer.raw(name, doubleRaw(context.score));
  } else if (leaf?.kind === "computed") {
    const computed = leaf.value(root);
    if (computed !== undefined) writer.raw(name, computed);
  } else if (leaf === undefined && hasComputed(node) && getField(value, Buffer.from(name)) === undefined) {
    const inner = new Writer();
    writeObject(inner, emptyDocument, node, true, root, context, "");
    if (inner.at > 5) writer.raw(name, new Raw(Type.object, inner.buf, 0, inner.at));
  }
}

function hasComputed(node: Node): boolean {
  if (node.leaf !== undefined) return node.leaf.kind === "computed";
  return [...node.children.values()].some(hasComputed);
}
