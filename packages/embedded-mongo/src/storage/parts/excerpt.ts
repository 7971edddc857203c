/**
 * What an update sees of a document whose large objects are stored separately. Of these, it sees only the fields
 * that it names. The update runs on the excerpt as on the whole document. Differences are written back.
 */
import type { Raw } from "../../bson/raw.ts";
import type { Path, PathPart } from "../../path.ts";
import { type Layout, type SplitObject, valueAt, withObjects, withoutFields } from "./layout.ts";
import type { Leaf } from "./leaf.ts";
import { objectOf, type Part, partsOf } from "./part.ts";
import type { ObjectId, PartTable } from "./part-table.ts";
import type { SplitDocument } from "./split-document.ts";

export class Excerpt {
  readonly document: Raw;
  private readonly layout: Layout;
  private readonly opened: readonly OpenedObject[];

  private constructor(layout: Layout, opened: readonly OpenedObject[]) {
    this.layout = layout;
    this.opened = opened;
    const values = opened.map(({ path, before }) => [path, objectOf([...before.values()])] as const);
    this.document = withObjects(layout.outline, new Map(values));
  }

  /** Undefined where the update may change more than single fields of such an object. */
  static of(stored: SplitDocument, reach: readonly Path[], table: PartTable): Excerpt | undefined {
    const opened: OpenedObject[] = [];
    for (const [number, object] of stored.layout.objects.entries()) {
      const names = namesReached(object.path, reach);
      if (names === undefined) return undefined;
      if (names.length > 0) opened.push(new OpenedObject(table, stored.objectId(number), object, names));
    }
    return new Excerpt(stored.layout, opened);
  }

  /** Bytes of the whole document once the excerpt has become `next`. */
  sizeWith(next: Raw): number {
    const { document, layout } = this;
    return layout.size + (next.end - next.start) - (document.end - document.start);
  }

  /** Writes the changed fields. Returns the new layout of the document. */
  save(next: Raw): Layout {
    const objects = [...this.layout.objects];
    for (const object of this.opened) objects[object.number] = object.save(next);
    const outline = withoutFields(
      next,
      this.opened.map(({ path }) => path),
    );
    return { size: this.sizeWith(next), objects, outline };
  }
}

/**
 * The names of an object's fields that paths lead to or into. Undefined where one leads to the object or around it.
 */
function namesReached(object: Path, reach: readonly Path[]): readonly Buffer[] | undefined {
  const names: Buffer[] = [];
  for (const { parts } of reach) {
    if (!object.parts.every((part, i) => i >= parts.length || parts[i]?.text === part.text)) continue;
    const name = parts[object.parts.length];
    if (name === undefined || isPosition(name)) return undefined;
    names.push(name.bytes);
  }
  return names;
}

/** `$`, `$[]` and `$[name]` mean fields that are not known yet. */
const isPosition = ({ text }: PathPart): boolean => text === "$" || text.startsWith("$[");

/** One object, with the leaves of the requested fields. */
class OpenedObject {
  readonly path: Path;
  /** The existing ones of these fields, by name. */
  readonly before = new Map<string, Part>();
  private readonly table: PartTable;
  private readonly id: ObjectId;
  private next: number;
  private readonly leaves = new Map<string, Leaf>();
  private last: Leaf | undefined;

  constructor(table: PartTable, id: ObjectId, { path, next }: SplitObject, names: readonly Buffer[]) {
    this.table = table;
    this.id = id;
    this.path = path;
    this.next = next;
    for (const name of [...names].sort(Buffer.compare)) {
      const part = this.leaf(name).find(name);
      if (part !== undefined) this.before.set(nameOf(part), part);
    }
  }

  get number(): number {
    return this.id.object;
  }

  save(next: Raw): SplitObject {
    const after = partsOf(valueAt(next, this.path));
    const kept = new Set<string>();
    for (const part of after) {
      const name = nameOf(part);
      const old = this.before.get(name);
      if (old !== undefined) kept.add(name);
      if (old === undefined) this.leaf(part.key).set(part.at(this.next++));
      else if (!old.sameBytes(part)) this.leaf(part.key).set(part.at(old.ordinal));
    }
    for (const [name, part] of this.before) if (!kept.has(name)) this.leaf(part.key).remove(part.key);
    for (const leaf of this.leaves.values()) if (leaf.changed) this.table.write(this.id, leaf);
    return { path: this.path, next: this.next };
  }

  /** The leaf that has a name, or is to have it. */
  private leaf(name: Buffer): Leaf {
    if (this.last?.spans(name)) return this.last;
    this.last = this.table.leaf(this.id, name, this.leaves);
    this.leaves.set(this.last.low.toString("latin1"), this.last);
    return this.last;
  }
}

const nameOf = (part: Part): string => part.buf.toString("latin1", part.from + 1, part.nameEnd);
