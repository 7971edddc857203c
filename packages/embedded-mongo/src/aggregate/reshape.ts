/** Stages that change one document at a time: `$addFields`, `$unset`, `$unwind`, `$replaceRoot`. */
import { emptyDocument, longRaw, nullRaw } from "../bson/make.ts";
import { Elements, fields, items, type Raw, stringValue, Type, truthy } from "../bson/raw.ts";
import { Tree } from "../bson/tree.ts";
import { failedToParse, StoreError } from "../errors.ts";
import { type PathPart, parsePath } from "../path.ts";
import { firstAt } from "../query/values.ts";
import { compileExpression, type Expression, type Scope } from "./expression.ts";

export type Reshape = (document: Raw, scope: Scope) => Raw;

/** `$addFields`, `$set`: sets fields. A dotted path into an array sets the field in every element. */
export function compileAddFields(stage: string, spec: Raw, names: ReadonlySet<string>): Reshape {
  if (spec.type !== Type.object)
    throw new StoreError(40272, `${stage} specification stage must be an object`);
  const parts = flatten("", spec).map(([path, value]) => [path, compileExpression(value, names)] as const);
  if (parts.length === 0)
    throw new StoreError(
      40177,
      `Invalid ${stage} :: caused by :: specification must have at least one field`,
    );
  return (document, scope) => {
    const root = new Tree(document);
    const values = parts.map(([path, value]) => [parsePath(path).parts, value(scope)] as const);
    for (const [path, value] of values) setAt(root, path, 0, value);
    return root.toRaw();
  };
}

function flatten(prefix: string, spec: Raw): [string, Raw][] {
  return fields(spec).flatMap(([name, value]): [string, Raw][] => {
    const path = prefix + name;
    if (name === "" || name.startsWith("$"))
      throw new StoreError(16410, `FieldPath field names may not start with '$': ${name}`);
    const inner = value.type === Type.object ? fields(value) : [];
    return inner.length > 0 && !inner[0]?.[0].startsWith("$") ? flatten(`${path}.`, value) : [[path, value]];
  });
}

function setAt(tree: Tree, path: readonly PathPart[], at: number, value: Raw | undefined): void {
  if (tree.isArray) {
    for (const item of tree.items) {
      if (!item.isContainer()) item.set(emptyDocument);
      setAt(item.open(), path, at, value);
    }
    return;
  }
  const part = path[at] as PathPart;
  const item = tree.find(part);
  if (at === path.length - 1) {
    if (value === undefined) {
      if (item !== undefined) tree.remove(item);
    } else if (item === undefined) tree.append(part.bytes, value);
    else item.set(value);
    return;
  }
  if (item !== undefined && !item.isContainer()) item.set(emptyDocument);
  setAt((item ?? tree.append(part.bytes, emptyDocument)).open(), path, at + 1, value);
}

export function compileUnset(spec: Raw): Reshape {
  const list = spec.type === Type.array ? items(spec) : [spec];
  if (list.length === 0 || list.some((item) => item.type !== Type.string)) {
    throw new StoreError(
      31002,
      "$unset specification must be a string or an array containing only string values",
    );
  }
  const paths = list.map((item) => parsePath(stringValue(item)).parts);
  return (document) => {
    const root = new Tree(document);
    for (const path of paths) removeAt(root, path, 0);
    return root.toRaw();
  };
}

function removeAt(tree: Tree, path: readonly PathPart[], at: number): void {
  if (tree.isArray) {
    for (const item of tree.items) if (item.isContainer()) removeAt(item.open(), path, at);
    return;
  }
  const item = tree.find(path[at] as PathPart);
  if (item === undefined) return;
  if (at === path.length - 1) tree.remove(item);
  else if (item.isContainer()) removeAt(item.open(), path, at + 1);
}

export function compileReplaceRoot(value: Raw, names: ReadonlySet<string>): Reshape {
  const root: Expression = compileExpression(value, names);
  return (_, scope) => {
    const made = root(scope);
    if (made?.type === Type.object) return made;
    throw new StoreError(40228, "'newRoot' expression must evaluate to an object");
  };
}

/** `$unwind`: one document per element. */
export function compileUnwind(spec: Raw): (document: Raw) => Iterable<Raw> {
  const options = spec.type === Type.object ? new Map(fields(spec)) : new Map([["path", spec]]);
  for (const name of options.keys()) {
    if (!["path", "includeArrayIndex", "preserveNullAndEmptyArrays"].includes(name))
      throw new StoreError(28811, `unrecognized option to $unwind stage: ${name}`);
  }
  const path = options.get("path");
  if (path?.type !== Type.string)
    throw new StoreError(28808, "expected a string as the path for $unwind stage");
  const text = stringValue(path);
  if (!text.startsWith("$") || text.length < 2)
    throw new StoreError(28818, `path option to $unwind stage should be prefixed with a '$': ${text}`);
  const field = parsePath(text.slice(1));
  const preserve = truthy(options.get("preserveNullAndEmptyArrays"));
  const index = options.get("includeArrayIndex");
  const indexPath = index?.type === Type.string ? parsePath(stringValue(index)).parts : undefined;
  if (index !== undefined && indexPath === undefined)
    throw failedToParse("includeArrayIndex must be a string");
  const withIndex = (tree: Tree, at: Raw): Raw => {
    if (indexPath !== undefined) setAt(tree, indexPath, 0, at);
    return tree.toRaw();
  };
  const each = function* (document: Raw, array: Raw): Iterable<Raw> {
    // Without the array, which may be long, so that each copy is short.
    const rest = new Tree(document);
    setAt(rest, field.parts, 0, nullRaw);
    const short = rest.toRaw();
    let i = 0n;
    const elements = new Elements(array);
    while (elements.next()) {
      const tree = new Tree(short);
      setAt(tree, field.parts, 0, elements.value());
      yield withIndex(tree, longRaw(i++));
    }
  };
  return (document) => {
    const value = firstAt(document, field);
    if (value === undefined || value.isNullish() || (value.type === Type.array && isEmpty(value))) {
      if (!preserve) return [];
      const tree = new Tree(document);
      if (value?.type === Type.array) setAt(tree, field.parts, 0, undefined);
      return [withIndex(tree, nullRaw)];
    }
    if (value.type !== Type.array) return [withIndex(new Tree(document), nullRaw)];
    return each(document, value);
  };
}

function isEmpty(array: Raw): boolean {
  return !new Elements(array).next();
}
