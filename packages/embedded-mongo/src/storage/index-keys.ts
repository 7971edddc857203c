/** The keys of a document in an index. An array gives one key per element. A missing field counts as null. */
import { nullRaw, undefinedRaw } from "../bson/make.ts";
import { Elements, getField, type Raw, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { encodeCompound } from "../key-encoding.ts";
import type { PathPart } from "../path.ts";

export interface KeyShape {
  readonly paths: readonly (readonly PathPart[])[];
  readonly descending: readonly boolean[];
}

export interface Keys {
  readonly keys: Buffer[];
  /** Bit `i` is set when an array is on the way to field `i`. Then one document may have several keys. */
  readonly multikey: number;
}

/** A field during the descent: the value reached, and the remaining path. */
interface Walk {
  value: Raw | undefined;
  at: number;
}

/** The distinct keys of a document. None for a sparse index when no field exists. */
export function indexKeys(document: Raw, shape: KeyShape, sparse: boolean): Keys {
  const start = shape.paths.map((): Walk => ({ value: document, at: 0 }));
  const found: { present: boolean; multikey: number } = { present: false, multikey: 0 };
  const keys: Buffer[] = [];
  collect(start, shape, keys, found);
  if (sparse && !found.present) return { keys: [], multikey: 0 };
  return { keys: keys.length > 1 ? distinct(keys) : keys, multikey: found.multikey };
}

function collect(
  walks: Walk[],
  shape: KeyShape,
  keys: Buffer[],
  found: { present: boolean; multikey: number },
): void {
  let array: Raw | undefined;
  for (let i = 0; i < walks.length; i++) {
    const walk = walks[i] as Walk;
    descend(walk, shape.paths[i] as readonly PathPart[]);
    if (walk.value?.type !== Type.array) continue;
    if (array !== undefined && (array.buf !== walk.value.buf || array.start !== walk.value.start)) {
      throw new StoreError(171, "cannot index parallel arrays");
    }
    array = walk.value;
    found.multikey |= 1 << i;
  }
  if (array === undefined) {
    if (walks.some((walk) => walk.value !== undefined)) found.present = true;
    keys.push(
      encodeCompound(
        walks.map((walk) => walk.value ?? nullRaw),
        shape.descending,
      ),
    );
    return;
  }
  expand(array, walks, shape, keys, found);
}

/** Follows the path through documents until it ends or meets an array that it does not index by position. */
function descend(walk: Walk, path: readonly PathPart[]): void {
  while (walk.at < path.length) {
    const { value } = walk;
    if (value === undefined) break;
    const part = path[walk.at] as PathPart;
    if (value.type === Type.array) {
      const element = part.index < 0 ? undefined : getField(value, part.bytes);
      if (element === undefined) return;
      walk.value = element;
    } else {
      walk.value = value.type === Type.object ? getField(value, part.bytes) : undefined;
    }
    walk.at++;
  }
  if (walk.value === undefined) walk.at = path.length;
}

function expand(
  array: Raw,
  walks: Walk[],
  shape: KeyShape,
  keys: Buffer[],
  found: { present: boolean; multikey: number },
): void {
  const elements = new Elements(array);
  let any = false;
  while (elements.next()) {
    any = true;
    const element = elements.value();
    const next = walks.map((walk, i): Walk => {
      if (walk.value?.type !== Type.array) return { value: walk.value, at: walk.at };
      // An array inside the array is one value: it is not entered again, unless the path continues.
      const path = shape.paths[i] as readonly PathPart[];
      if (walk.at === path.length) return { value: element, at: leaf };
      return { value: element.type === Type.object ? element : undefined, at: walk.at };
    });
    collectLeaf(next, shape, keys, found);
  }
  if (any) return;
  found.present = true;
  const values = walks.map((walk, i) => {
    if (walk.value?.type !== Type.array) return walk.value ?? nullRaw;
    return walk.at === (shape.paths[i] as readonly PathPart[]).length ? undefinedRaw : nullRaw;
  });
  keys.push(encodeCompound(values, shape.descending));
}

const leaf = Number.MAX_SAFE_INTEGER;

function collectLeaf(
  walks: Walk[],
  shape: KeyShape,
  keys: Buffer[],
  found: { present: boolean; multikey: number },
): void {
  const done = walks.every((walk, i) => walk.at >= (shape.paths[i] as readonly PathPart[]).length);
  if (!done) {
    const leaves = walks.map((walk) => (walk.at === leaf ? walk.value : undefined));
    if (!leaves.some((value) => value?.type === Type.array)) {
      collect(walks, shape, keys, found);
      return;
    }
    throw new StoreError(171, "cannot index parallel arrays");
  }
  if (walks.some((walk) => walk.value !== undefined)) found.present = true;
  keys.push(
    encodeCompound(
      walks.map((walk) => walk.value ?? nullRaw),
      shape.descending,
    ),
  );
}

function distinct(keys: Buffer[]): Buffer[] {
  const sorted = keys.sort(Buffer.compare);
  return sorted.filter((key, i) => i === 0 || !key.equals(sorted[i - 1] as Buffer));
}
