/** Composes values from values. */
import { Raw, rawDocument, Type } from "./raw.ts";
import { Writer } from "./writer.ts";

/** An array value of these elements. */
export function arrayRaw(values: readonly Raw[]): Raw {
  const writer = new Writer();
  const mark = writer.open();
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as Raw;
    writer.index(value.type, i);
    writer.copy(value.buf, value.start, value.end);
  }
  writer.close(mark);
  return new Raw(Type.array, writer.buf, 0, writer.at);
}

/** A document with one field. */
export function rawWrap(name: string, value: Raw): Raw {
  const writer = new Writer(value.end - value.start + name.length * 3 + 16);
  const mark = writer.open();
  writer.raw(name, value);
  writer.close(mark);
  return rawDocument(writer.buf);
}
