/** Which objects of a document should be stored separately: maps of many entries, of which updates change a few. */
import { Elements, getField, type Raw, Type } from "../../bson/raw.ts";
import { type Path, parsePath } from "../../path.ts";
import type { Sizes } from "../sizes.ts";

/** Maximum share of one field in such an object. Otherwise that field would be the large part. */
const largestShare = 1 / 8;
const deepest = 16;
export const mostObjects = 64;

/**
 * Paths of the large objects, none inside another.
 * @param allowed whether the object at a path may be stored separately
 */
export function largeObjects(document: Raw, sizes: Sizes, allowed: (path: Path) => boolean): Path[] {
  const found: Path[] = [];
  const look = (parent: Raw, names: readonly string[]): void => {
    const elements = new Elements(parent);
    while (elements.next() && found.length < mostObjects) {
      if (elements.type !== Type.object || elements.end - elements.start < sizes.object) continue;
      const name = elements.name();
      const value = elements.value();
      if (!isPlainName(name) || getField(parent, Buffer.from(name))?.start !== value.start) continue;
      const path = parsePath([...names, name].join("."));
      if (allowed(path) && isMap(value)) found.push(path);
      else if (path.parts.length < deepest) look(value, [...names, name]);
    }
  };
  look(document, []);
  return found;
}

/** A name that an update can have in a path. */
const isPlainName = (name: string): boolean => name !== "" && !name.startsWith("$") && !name.includes(".");

/** Whether it has many fields, none dominant, and no name twice. */
function isMap(object: Raw): boolean {
  const most = (object.end - object.start) * largestShare;
  const names = new Set<string>();
  const elements = new Elements(object);
  while (elements.next()) {
    if (elements.end - elements.from > most) return false;
    const name = elements.buf.toString("latin1", elements.nameStart, elements.nameEnd);
    if (names.has(name)) return false;
    names.add(name);
  }
  return true;
}
