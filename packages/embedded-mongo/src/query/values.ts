/** Values of a document at a path, for sorts, distinct and projections of single values. */
import { nullRaw, undefinedRaw } from "../bson/make.ts";
import { Elements, getField, type Raw, Type } from "../bson/raw.ts";
import { sortValue } from "../compare.ts";
import type { Path, PathPart } from "../path.ts";

/** The value at a path through documents only (numbers also step into arrays). */
export function firstAt(document: Raw, path: Path): Raw | undefined {
  let value: Raw | undefined = document;
  for (const part of path.parts) {
    if (value === undefined || (value.type !== Type.object && value.type !== Type.array)) return undefined;
    value = getField(value, part.bytes);
  }
  return value;
}

/** Calls `visit` for every value at a path. It enters arrays on the way and visits the elements of a final array. */
export function eachValue(
  value: Raw,
  parts: readonly PathPart[],
  at: number,
  visit: (value: Raw | undefined) => void,
): void {
  const part = parts[at] as PathPart;
  if (value.type === Type.object) {
    const found = getField(value, part.bytes);
    if (at < parts.length - 1) {
      if (found === undefined) visit(undefined);
      else eachValue(found, parts, at + 1, visit);
      return;
    }
    if (found === undefined || found.type !== Type.array) {
      visit(found);
      return;
    }
    eachElement(found, visit);
    return;
  }
  if (value.type !== Type.array) {
    visit(undefined);
    return;
  }
  const elements = new Elements(value);
  let position = 0;
  while (elements.next()) {
    if (position === part.index) {
      const found = elements.value();
      if (at < parts.length - 1) eachValue(found, parts, at + 1, visit);
      else if (found.type === Type.array) eachElement(found, visit);
      else visit(found);
    } else if (elements.type === Type.object) {
      eachValue(elements.value(), parts, at, visit);
    }
    position++;
  }
}

function eachElement(array: Raw, visit: (value: Raw | undefined) => void): void {
  const elements = new Elements(array);
  let any = false;
  while (elements.next()) {
    any = true;
    visit(elements.value());
  }
  if (!any) visit(undefinedRaw);
}

/** The value that a sort compares: the least (or, descending, the greatest) at the path. Null where there is none. */
export function sortKey(document: Raw, path: Path, descending: boolean): Raw {
  if (path.parts.length === 1) {
    const value = getField(document, (path.parts[0] as PathPart).bytes);
    if (value === undefined) return nullRaw;
    if (value.type !== Type.array) return value;
  }
  const values: Raw[] = [];
  eachValue(document, path.parts, 0, (value) => values.push(value ?? nullRaw));
  if (values.length === 0) return nullRaw;
  return sortValue(values, descending);
}
