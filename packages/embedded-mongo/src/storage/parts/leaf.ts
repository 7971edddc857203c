/** A leaf: the fields of one object whose names lie in one range, by name. It is one row of the table of parts. */
import { valueLength } from "../../bson/raw.ts";
import { ordinalBytes, Part } from "./part.ts";

export class Leaf {
  /** No name in it is lower. Those of the next leaf are all higher. */
  readonly low: Buffer;
  /** By name. */
  readonly parts: Part[];
  changed = false;
  /** The highest name was added since it was read, so names may arrive in order. */
  appended = false;

  constructor(low: Buffer, parts: Part[]) {
    this.low = low;
    this.parts = parts;
  }

  static decode(low: Buffer, bytes: Buffer): Leaf {
    return new Leaf(low, decodeParts(bytes));
  }

  find(key: Buffer): Part | undefined {
    const { at, found } = this.place(key);
    return found ? this.parts[at] : undefined;
  }

  /** True when this leaf must contain the name, if any leaf does. */
  spans(key: Buffer): boolean {
    const [first, last] = [this.parts[0], this.parts.at(-1)];
    if (first === undefined || last === undefined) return false;
    return first.compareName(key, 0, key.length) <= 0 && last.compareName(key, 0, key.length) >= 0;
  }

  /** Adds a field, or replaces the one with its name. */
  set(part: Part): void {
    const { at, found } = this.place(part.key);
    if (found) this.parts[at] = part;
    else {
      this.appended = at === this.parts.length;
      this.parts.splice(at, 0, part);
    }
    this.changed = true;
  }

  remove(key: Buffer): void {
    const { at, found } = this.place(key);
    if (!found) return;
    this.parts.splice(at, 1);
    this.changed = true;
  }

  private place(key: Buffer): { at: number; found: boolean } {
    let low = 0;
    let high = this.parts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = (this.parts[middle] as Part).compareName(key, 0, key.length);
      if (order === 0) return { at: middle, found: true };
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return { at: low, found: false };
  }
}

/** Bytes that the fields take in a row. */
const bytesOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + ordinalBytes + part.size, 0);

export function encodeParts(parts: readonly Part[]): Buffer {
  const bytes = Buffer.allocUnsafe(bytesOf(parts));
  let at = 0;
  for (const part of parts) {
    at = bytes.writeUIntLE(part.ordinal, at, ordinalBytes);
    at += part.buf.copy(bytes, at, part.from, part.end);
  }
  return bytes;
}

export function decodeParts(bytes: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < bytes.length; ) {
    const ordinal = bytes.readUIntLE(at, ordinalBytes);
    const from = at + ordinalBytes;
    const nameEnd = bytes.indexOf(0, from + 1);
    at = nameEnd + 1 + valueLength(bytes, bytes[from] as number, nameEnd + 1);
    parts.push(new Part(ordinal, bytes, from, nameEnd, at));
  }
  return parts;
}

/**
 * Divides fields that are too many for one row. If names arrive in order, all rows but the last are full. Otherwise
 * they are even, so that each has room for more.
 */
export function divide(parts: readonly Part[], most: number, inOrder: boolean): Part[][] {
  const total = bytesOf(parts);
  if (total <= most) return [[...parts]];
  const target = inOrder ? most : Math.ceil(total / Math.ceil(total / (most * 0.75)));
  const pieces: Part[][] = [];
  let piece: Part[] = [];
  let bytes = 0;
  for (const part of parts) {
    const more = ordinalBytes + part.size;
    if (piece.length > 0 && bytes + more > target) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(part);
    bytes += more;
  }
  pieces.push(piece);
  return pieces;
}
