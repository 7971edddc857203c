/**
 * The row of a document whose large objects are stored separately. It has the list of these objects, and the
 * document with them empty (its outline). It begins with four zeros, as no BSON document does.
 */
import { emptyDocument } from "../../bson/make.ts";
import { getField, int32, type Raw, rawDocument } from "../../bson/raw.ts";
import { type Item, Tree } from "../../bson/tree.ts";
import { type Path, parsePath } from "../../path.ts";
import { ordinalBytes } from "./part.ts";

/** An object that is stored separately. Its number is its position in the list. */
export interface SplitObject {
  readonly path: Path;
  /** The ordinal of the next added field. */
  readonly next: number;
}

export interface Layout {
  /** Bytes of the whole document. */
  readonly size: number;
  readonly objects: readonly SplitObject[];
  readonly outline: Raw;
}

const version = 1;

export const isLayout = (bytes: Buffer): boolean => int32(bytes, 0) === 0;

export function encodeLayout({ size, objects, outline }: Layout): Buffer {
  const head = Buffer.alloc(10);
  head.writeInt32LE(size, 4);
  head.writeUInt8(version, 8);
  head.writeUInt8(objects.length, 9);
  const entries = objects.flatMap(({ path, next }) => {
    const ordinal = Buffer.allocUnsafe(ordinalBytes);
    ordinal.writeUIntLE(next, 0, ordinalBytes);
    return [ordinal, Buffer.from(`${path.text}\0`, "utf8")];
  });
  return Buffer.concat([head, ...entries, outline.bytes()]);
}

export function decodeLayout(bytes: Buffer): Layout {
  if (bytes[8] !== version)
    throw new Error(`a document is stored in a form (${bytes[8]}) of a newer version`);
  const objects: SplitObject[] = [];
  let at = 10;
  for (let left = bytes[9] as number; left > 0; left--) {
    const next = bytes.readUIntLE(at, ordinalBytes);
    const end = bytes.indexOf(0, at + ordinalBytes);
    objects.push({ path: parsePath(bytes.toString("utf8", at + ordinalBytes, end)), next });
    at = end + 1;
  }
  return { size: int32(bytes, 4), objects, outline: rawDocument(bytes, at) };
}

/** The document with other values at the places of some objects. All of them must exist. */
export function withObjects(document: Raw, values: ReadonlyMap<Path, Raw>): Raw {
  if (values.size === 0) return document;
  const root = new Tree(document);
  for (const [path, value] of values) itemAt(root, path).set(value);
  return root.toRaw();
}

/** The document with these objects empty. */
export const withoutFields = (document: Raw, paths: Iterable<Path>): Raw =>
  withObjects(document, new Map(Array.from(paths, (path) => [path, emptyDocument])));

/** The value at a path that leads through objects and must exist. */
export function valueAt(document: Raw, { parts, text }: Path): Raw {
  let value: Raw | undefined = document;
  for (const { bytes } of parts) value = value && getField(value, bytes);
  if (value === undefined) throw new Error(`the document has no ${text}`);
  return value;
}

function itemAt(root: Tree, { parts, text }: Path): Item {
  let tree = root;
  let item: Item | undefined;
  for (const part of parts) {
    if (item !== undefined) tree = item.open();
    item = tree.find(part);
    if (item === undefined) throw new Error(`the document has no ${text}`);
  }
  return item as Item;
}
