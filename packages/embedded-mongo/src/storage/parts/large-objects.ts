/** Which objects of a document are worth storing apart: maps of many entries, of which updates change a few. */
import { Elements, getField, type Raw, Type } from "../../bson/raw.ts";
import { type Path, parsePath } from "../../path.ts";

/** Sizes in bytes; tests set lower ones. */
export interface SplitSizes {
  /** A document from this size on is looked at. */
  readonly document: number;
  /** A document below this size is stored whole again. */
  readonly joined: number;
  /** An object from this size on is stored apart. */
  readonly object: number;
  /** Of the fields in one row. More than some 2,000 would spill into pages of their own. */
  readonly row: number;
}

export const defaultSizes: SplitSizes = { document: 65_536, joined: 32_768, object: 16_384, row: 1_800 };

/** No field of such an object has more than this share of it: then the field would be what is large. */
const largestShare = 1 / 8;
const deepest = 16;
export const mostObjects = 64;

/**
 * Paths of the large objects, none inside another.
 * @param allowed whether the object at a path may be stored apart
 */
export function largeObjects(document: Raw, sizes: SplitSizes, allowed: (path: Path) => boolean): Path[] {
  const found: Path[] = [];
  const look = (parent: Raw, names: readonly string[]): void => {
    const elements = new Elements(parent);
    while (elements.next() && found.length < mostObjects) {
      if (elements.type !== Type.object || elements.end - elements.start < sizes.object) continue;
      const name = elements.name();
      const value = elements.value();
      if (!isPlainName(name) || getField(parent, Buffer.from(name))?.start !== value.start) continue;
      const path = parsePath([...names, name].join("."));
      if (isMap(value) && allowed(path)) found.push(path);
      else if (path.parts.length < deepest) look(value, [...names, name]);
    }
  };
  look(document, []);
  return found;
}

/** A name that an update can have in a path. */
const isPlainName = (name: string): boolean => name !== "" && !name.startsWith("$") && !name.includes(".");

/** Has many fields, none of which dominates, and no name twice. */
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
