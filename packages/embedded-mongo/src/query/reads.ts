/** Which paths of a document a filter or projection reads. Other parts need not be loaded. */
import { fields, type Raw, Type, truthy } from "../bson/raw.ts";
import { type Path, parsePath } from "../path.ts";
import type { Filter } from "./ast.ts";

/** Undefined for the whole document. */
export type Reads = readonly Path[] | undefined;

export function filterReads(filter: Filter): Reads {
  switch (filter.kind) {
    case "field":
      return [filter.path];
    case "expr":
      return undefined;
    case "text":
    case "constant":
      return [];
    default:
      return together(...filter.filters.map(filterReads));
  }
}

/** What a projection keeps, where it only lists fields to keep. */
export function projectionReads(spec: Raw | undefined): Reads {
  if (spec === undefined) return undefined;
  const kept: Path[] = [];
  let id = true;
  for (const [name, value] of fields(spec)) {
    if (!(value.isNumber() || value.type === Type.bool)) return undefined;
    if (name === "_id" && !truthy(value)) id = false;
    else if (truthy(value) && !name.endsWith(".$")) kept.push(parsePath(name));
    else return undefined;
  }
  if (kept.length === 0) return undefined;
  return id ? [...kept, parsePath("_id")] : kept;
}

export function together(...reads: readonly Reads[]): Reads {
  const all: Path[] = [];
  for (const some of reads) {
    if (some === undefined) return undefined;
    all.push(...some);
  }
  return all;
}
