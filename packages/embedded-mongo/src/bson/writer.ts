/** Builds BSON documents into one buffer that grows. */
import { Long } from "bson";
import { fromJs } from "./make.ts";
import { type Raw, Type } from "./raw.ts";

/** A growing buffer for replies and updated documents. */
export class Writer {
  buf: Buffer;
  at = 0;

  constructor(size = 1024) {
    this.buf = Buffer.allocUnsafe(size);
  }

  /** Makes room for `more` bytes. */
  need(more: number): void {
    const wanted = this.at + more;
    if (wanted <= this.buf.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.buf.length * 2));
    this.buf.copy(grown, 0, 0, this.at);
    this.buf = grown;
  }

  /** Starts a document and returns the mark to close it with. */
  open(): number {
    this.need(5);
    const mark = this.at;
    this.at += 4;
    return mark;
  }

  close(mark: number): void {
    this.need(1);
    this.buf[this.at++] = 0;
    this.buf.writeInt32LE(this.at - mark, mark);
  }

  copy(from: Buffer, start: number, end: number): void {
    this.need(end - start);
    from.copy(this.buf, this.at, start, end);
    this.at += end - start;
  }

  /** Type byte and name of an element; the value follows. */
  name(type: number, name: string): void {
    const length = name.length;
    this.need(length * 3 + 2);
    this.buf[this.at++] = type;
    for (let i = 0; i < length; i++) {
      const code = name.charCodeAt(i);
      if (code > 127) {
        this.at += this.buf.write(name.slice(i), this.at, "utf8");
        break;
      }
      this.buf[this.at++] = code;
    }
    this.buf[this.at++] = 0;
  }

  /** Type byte and name of the n-th element of an array. */
  index(type: number, index: number): void {
    this.name(type, index < indexNames.length ? (indexNames[index] as string) : String(index));
  }

  raw(name: string, value: Raw): void {
    this.name(value.type, name);
    this.copy(value.buf, value.start, value.end);
  }

  int(name: string, value: number): void {
    this.name(Type.int, name);
    this.need(4);
    this.at = this.buf.writeInt32LE(value, this.at);
  }

  double(name: string, value: number): void {
    this.name(Type.double, name);
    this.need(8);
    this.at = this.buf.writeDoubleLE(value, this.at);
  }

  long(name: string, value: bigint): void {
    this.name(Type.long, name);
    this.need(8);
    this.at = this.buf.writeBigInt64LE(value, this.at);
  }

  string(name: string, value: string): void {
    this.name(Type.string, name);
    const length = Buffer.byteLength(value);
    this.need(length + 5);
    this.at = this.buf.writeInt32LE(length + 1, this.at);
    this.at += this.buf.write(value, this.at, "utf8");
    this.buf[this.at++] = 0;
  }

  /** Any JavaScript value, by the rules of the `bson` package. `undefined` is left out. */
  js(name: string, value: unknown): void {
    if (value === undefined) return;
    if (typeof value === "string") this.string(name, value);
    else if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 0x7fffffff)
      this.int(name, value);
    else if (typeof value === "bigint") this.long(name, value);
    else if (value instanceof Long) this.long(name, value.toBigInt());
    else this.raw(name, fromJs(value));
  }

  /** A copy of the written bytes, so that the writer can be reused. */
  take(): Buffer {
    const out = Buffer.allocUnsafe(this.at);
    this.buf.copy(out, 0, 0, this.at);
    this.at = 0;
    return out;
  }
}

const indexNames = Array.from({ length: 1024 }, (_, i) => String(i));
