/** Aggregation expressions over raw values: compiled once, run per document. */

import { arrayRaw } from "../bson/compose.ts";
import { dateRaw, nullRaw } from "../bson/make.ts";
import { Elements, fields, getField, items, Raw, stringValue, Type, truthy } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { StoreError } from "../errors.ts";
import { type PathPart, parsePath } from "../path.ts";

/** What an expression may refer to. */
export interface Scope {
  readonly root: Raw;
  readonly variables: Variables | undefined;
  readonly now: number;
}

/** Variables that `$let`, `$map` and similar operators bind, innermost first. */
export interface Variables {
  readonly name: string;
  readonly value: Raw | undefined;
  readonly outer: Variables | undefined;
}

/** A compiled expression. Undefined is a missing value. */
export type Expression = (scope: Scope) => Raw | undefined;

export type OperatorCompiler = (operand: Raw, names: ReadonlySet<string>) => Expression;

const operators = new Map<string, OperatorCompiler>();

/** Adds operators. Each file of operators calls it when it is loaded. */
export function define(more: Record<string, OperatorCompiler>): void {
  for (const [name, compiler] of Object.entries(more)) operators.set(name, compiler);
}

/** The names of all operators. */
export const operatorNames = (): string[] => [...operators.keys()];

/** Compiles an expression. `names` are the user variables that it may use. */
export function compileExpression(value: Raw, names: ReadonlySet<string>): Expression {
  if (value.type === Type.string) {
    const text = stringValue(value);
    if (text.startsWith("$$")) return variable(text.slice(2), names);
    if (text.startsWith("$")) return fieldPath(text.slice(1));
  }
  if (value.type === Type.object) return compileObject(value, names);
  if (value.type === Type.array) {
    const parts = items(value).map((item) => compileExpression(item, names));
    return (scope) => arrayRaw(parts.map((part) => part(scope) ?? nullRaw));
  }
  return () => value;
}

function compileObject(value: Raw, names: ReadonlySet<string>): Expression {
  const parts = fields(value);
  const first = parts[0]?.[0];
  if (first?.startsWith("$")) {
    if (parts.length > 1) {
      throw new StoreError(15983, `An object representing an expression must have exactly one field`);
    }
    const compiler = operators.get(first);
    if (compiler === undefined) throw new StoreError(168, `Unrecognized expression '${first}'`);
    return compiler((parts[0] as [string, Raw])[1], names);
  }
  for (const [name] of parts) {
    if (name.includes(".")) throw new StoreError(16412, `FieldPath field names may not contain '.': ${name}`);
    if (name.startsWith("$"))
      throw new StoreError(16410, `FieldPath field names may not start with '$': ${name}`);
  }
  const compiled = parts.map(([name, part]) => [name, compileExpression(part, names)] as const);
  return (scope) => objectOf(compiled.map(([name, part]) => [name, part(scope)]));
}

/** A document of these fields, without missing values. */
export function objectOf(parts: readonly (readonly [string, Raw | undefined])[]): Raw {
  const writer = new Writer(256);
  const mark = writer.open();
  for (const [name, value] of parts) if (value !== undefined) writer.raw(name, value);
  writer.close(mark);
  return new Raw(Type.object, writer.buf, 0, writer.at);
}

function checkPath(path: string): void {
  if (path === "" || path.split(".").includes("")) {
    throw new StoreError(40353, "FieldPath must not be empty or end with a '.'.");
  }
}

function fieldPath(path: string): Expression {
  checkPath(path);
  const { parts } = parsePath(path);
  return (scope) => resolve(scope.root, parts, 0);
}

/** Follows a path. An array on the way gives an array of its elements' values. */
export function resolve(value: Raw, parts: readonly PathPart[], at: number): Raw | undefined {
  if (at === parts.length) return value;
  if (value.type === Type.object) {
    const found = getField(value, (parts[at] as PathPart).bytes);
    return found && resolve(found, parts, at + 1);
  }
  if (value.type !== Type.array) return undefined;
  const found: Raw[] = [];
  const elements = new Elements(value);
  while (elements.next()) {
    if (elements.type !== Type.object && elements.type !== Type.array) continue;
    const inner = resolve(elements.value(), parts, at);
    if (inner !== undefined) found.push(inner);
  }
  return arrayRaw(found);
}

function variable(text: string, names: ReadonlySet<string>): Expression {
  const dot = text.indexOf(".");
  const name = dot === -1 ? text : text.slice(0, dot);
  const rest = dot === -1 ? undefined : text.slice(dot + 1);
  const base = baseVariable(name, names);
  if (rest === undefined) return base;
  checkPath(rest);
  const { parts } = parsePath(rest);
  return (scope) => {
    const value = base(scope);
    return value && resolve(value, parts, 0);
  };
}

function baseVariable(name: string, names: ReadonlySet<string>): Expression {
  switch (name) {
    case "ROOT":
    case "CURRENT":
      return (scope) => scope.root;
    case "REMOVE":
      return () => undefined;
    case "NOW":
      return (scope) => dateRaw(scope.now);
  }
  if (!names.has(name)) throw new StoreError(17276, `Use of undefined variable: ${name}`);
  return (scope) => {
    for (let at = scope.variables; at !== undefined; at = at.outer) if (at.name === name) return at.value;
    return undefined;
  };
}

/** The operand as a list: `[a, b]`, or a single expression as a list of one. */
export function operands(operand: Raw, names: ReadonlySet<string>): Expression[] {
  if (operand.type === Type.array) return items(operand).map((item) => compileExpression(item, names));
  return [compileExpression(operand, names)];
}

/** Exactly this many operands. */
export function exactly(name: string, count: number, operand: Raw, names: ReadonlySet<string>): Expression[] {
  const list = operands(operand, names);
  if (list.length !== count) {
    throw new StoreError(
      16020,
      `Expression ${name} takes exactly ${count} arguments. ${list.length} were passed in.`,
    );
  }
  return list;
}

/** Named arguments, such as those of `$filter`. Unknown ones are refused. */
export function named(name: string, operand: Raw, allowed: readonly string[]): Map<string, Raw> {
  if (operand.type !== Type.object)
    throw new StoreError(28646, `${name} only supports an object as its argument`);
  const found = new Map(fields(operand));
  for (const argument of found.keys()) {
    if (!allowed.includes(argument))
      throw new StoreError(28647, `Unrecognized parameter to ${name}: ${argument}`);
  }
  return found;
}

export function required(name: string, found: ReadonlyMap<string, Raw>, argument: string): Raw {
  const value = found.get(argument);
  if (value === undefined) throw new StoreError(28648, `Missing '${argument}' parameter to ${name}`);
  return value;
}

export function bind(scope: Scope, name: string, value: Raw | undefined): Scope {
  return { root: scope.root, now: scope.now, variables: { name, value, outer: scope.variables } };
}

export function truth(expression: Expression): (scope: Scope) => boolean {
  return (scope) => truthy(expression(scope));
}
