/** Fields of an object that is stored separately from its document. */
import { Elements, Raw, Type } from "../../bson/raw.ts";
import { Writer } from "../../bson/writer.ts";

/** Bytes of an ordinal where it is stored. */
export const ordinalBytes = 6;

/** One field: its BSON element and its position among the fields of its object. */
export class Part {
  /** Fields with a higher one come later in the object. */
  readonly ordinal: number;
  readonly buf: Buffer;
  /** Start of the element, with its type byte. */
  readonly from: number;
  readonly nameEnd: number;
  readonly end: number;

  constructor(ordinal: number, buf: Buffer, from: number, nameEnd: number, end: number) {
    this.ordinal = ordinal;
    this.buf = buf;
    this.from = from;
    this.nameEnd = nameEnd;
    this.end = end;
  }

  /** The field's name; shares memory. */
  get key(): Buffer {
    return this.buf.subarray(this.from + 1, this.nameEnd);
  }

  get size(): number {
    return this.end - this.from;
  }

  /** Negative, zero or positive: the field's name sorts before, with or after these bytes. */
  compareName(buf: Buffer, start: number, end: number): number {
    const length = Math.min(this.nameEnd - this.from - 1, end - start);
    // In JavaScript, because names are short and most differ early.
    for (let i = 0; i < length; i++) {
      const order = (this.buf[this.from + 1 + i] as number) - (buf[start + i] as number);
      if (order !== 0) return order;
    }
    return this.nameEnd - this.from - 1 - (end - start);
  }

  sameBytes(other: Part): boolean {
    return this.buf.compare(other.buf, other.from, other.end, this.from, this.end) === 0;
  }

  at(ordinal: number): Part {
    return new Part(ordinal, this.buf, this.from, this.nameEnd, this.end);
  }
}

/** The fields of an object, with ordinals that count up from 0. */
export function partsOf(object: Raw): Part[] {
  const parts: Part[] = [];
  const elements = new Elements(object);
  while (elements.next())
    parts.push(new Part(parts.length, elements.buf, elements.from, elements.nameEnd, elements.end));
  return parts;
}

/** The object that has these fields, in their order. Sorts the array. */
export function objectOf(parts: Part[]): Raw {
  parts.sort((a, b) => a.ordinal - b.ordinal);
  const writer = new Writer(parts.reduce((sum, part) => sum + part.size, 5));
  const mark = writer.open();
  for (const part of parts) writer.copy(part.buf, part.from, part.end);
  writer.close(mark);
  return new Raw(Type.object, writer.buf, 0, writer.at);
}
