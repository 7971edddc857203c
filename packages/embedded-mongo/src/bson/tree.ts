/**
 * A document that can be changed along a few paths without decoding the rest. An update opens only the branches that
 * it enters. Everything else keeps its original bytes, which are copied in long runs.
 */

import type { PathPart } from "../path.ts";
import { Elements, Raw, Type, text } from "./raw.ts";
import { Writer } from "./writer.ts";

/** One element: either the original bytes `from..end` of `buf`, or a new or opened value. */
export class Item {
  buf: Buffer;
  from: number;
  nameStart: number;
  nameEnd: number;
  end: number;
  type: number;
  /** Set when the value differs from the original bytes, or has been opened. */
  value: Raw | Tree | undefined;

  constructor(buf: Buffer, type: number, from: number, nameStart: number, nameEnd: number, end: number) {
    this.buf = buf;
    this.type = type;
    this.from = from;
    this.nameStart = nameStart;
    this.nameEnd = nameEnd;
    this.end = end;
  }

  name(): string {
    return text(this.buf, this.nameStart, this.nameEnd);
  }

  /** The current value as bytes. */
  raw(): Raw {
    if (this.value === undefined) return new Raw(this.type, this.buf, this.nameEnd + 1, this.end);
    return this.value instanceof Raw ? this.value : this.value.toRaw();
  }

  isContainer(): boolean {
    return this.type === Type.object || this.type === Type.array;
  }

  /** The value as a tree, opened on first use. Only for documents and arrays. */
  open(): Tree {
    if (this.value instanceof Tree) return this.value;
    const tree = new Tree(this.raw());
    this.value = tree;
    return tree;
  }

  set(value: Raw): void {
    this.type = value.type;
    this.value = value;
  }
}

/** A named value that was not in the original. */
function newItem(name: Buffer, value: Raw): Item {
  const item = new Item(name, value.type, 0, 0, name.length, 0);
  item.value = value;
  return item;
}

const noName = Buffer.alloc(0);

/** A document or array as a list of elements. */
export class Tree {
  readonly isArray: boolean;
  readonly items: Item[] = [];
  changed = false;
  private readonly original: Raw;

  constructor(value: Raw) {
    this.original = value;
    this.isArray = value.type === Type.array;
    const elements = new Elements(value);
    while (elements.next()) {
      this.items.push(
        new Item(
          elements.buf,
          elements.type,
          elements.from,
          elements.nameStart,
          elements.nameEnd,
          elements.end,
        ),
      );
    }
  }

  find(part: PathPart): Item | undefined {
    if (this.isArray) return part.index >= 0 ? this.items[part.index] : undefined;
    const { bytes } = part;
    const length = bytes.length;
    next: for (const item of this.items) {
      if (item.nameEnd - item.nameStart !== length) continue;
      for (let i = 0; i < length; i++) if (item.buf[item.nameStart + i] !== bytes[i]) continue next;
      return item;
    }
    return undefined;
  }

  append(name: Buffer, value: Raw): Item {
    const item = newItem(name, value);
    this.items.push(item);
    this.changed = true;
    return item;
  }

  push(value: Raw): void {
    this.append(noName, value);
  }

  remove(item: Item): void {
    this.items.splice(this.items.indexOf(item), 1);
    this.changed = true;
  }

  /** Replaces all elements (of an array). */
  replaceAll(values: readonly Raw[]): void {
    this.items.length = 0;
    for (const value of values) this.push(value);
    this.changed = true;
  }

  toRaw(): Raw {
    if (!this.dirty()) return this.original;
    const writer = new Writer(Math.max(256, this.original.end - this.original.start + 512));
    this.write(writer);
    const type = this.isArray ? Type.array : Type.object;
    return new Raw(type, writer.buf, 0, writer.at);
  }

  private dirty(): boolean {
    return this.changed || this.items.some((item) => item.value instanceof Raw || item.value?.dirty());
  }

  write(writer: Writer): void {
    const mark = writer.open();
    if (this.isArray && this.changed) this.writeArray(writer);
    else this.writeItems(writer);
    writer.close(mark);
  }

  private writeArray(writer: Writer): void {
    for (let i = 0; i < this.items.length; i++) {
      const item = this.items[i] as Item;
      writer.index(item.type, i);
      if (item.value instanceof Tree) item.value.write(writer);
      else if (item.value !== undefined) writer.copy(item.value.buf, item.value.start, item.value.end);
      else writer.copy(item.buf, item.nameEnd + 1, item.end);
    }
  }

  private writeItems(writer: Writer): void {
    const { items } = this;
    let i = 0;
    while (i < items.length) {
      const item = items[i] as Item;
      if (item.value === undefined) {
        i = this.writeRun(writer, i);
        continue;
      }
      writer.need(item.nameEnd - item.nameStart + 2);
      writer.buf[writer.at++] = item.type;
      writer.copy(item.buf, item.nameStart, item.nameEnd);
      writer.need(1);
      writer.buf[writer.at++] = 0;
      if (item.value instanceof Tree) item.value.write(writer);
      else writer.copy(item.value.buf, item.value.start, item.value.end);
      i++;
    }
  }

  /** Copies neighbouring unchanged elements at once. Returns the index after them. */
  private writeRun(writer: Writer, first: number): number {
    const start = this.items[first] as Item;
    let last = start;
    let i = first + 1;
    for (; i < this.items.length; i++) {
      const next = this.items[i] as Item;
      if (next.value !== undefined || next.buf !== start.buf || next.from !== last.end) break;
      last = next;
    }
    writer.copy(start.buf, start.from, last.end);
    return i;
  }
}
