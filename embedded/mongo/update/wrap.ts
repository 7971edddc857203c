import { type Raw, rawDocument } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";

/** A document with one field. */
export function rawWrap(name: string, value: Raw): Raw {
  const writer = new Writer(value.end - value.start + name.length * 3 + 16);
  const mark = writer.open();
  writer.raw(name, value);
  writer.close(mark);
  return rawDocument(writer.buf);
}
