/** Commands as messages (OP_MSG) of the wire protocol. */
import { BSON, type Document } from "mongodb";

/** Documents of a command that stand beside it, as `documents` of `insert` do. */
export interface Sequence {
  readonly name: string;
  readonly documents: readonly Document[];
}

const opMsg = 2013;
/** After the header and the flags. */
const sectionsAt = 20;
const usualScratch = 64 * 1024;

let scratch = Buffer.allocUnsafe(usualScratch);

/**
 * The message of a command, without a number.
 * @param ignoreUndefined otherwise a field that is `undefined` becomes null
 */
export function messageOf(
  command: Document,
  sequence: Sequence | undefined,
  ignoreUndefined: boolean,
): Buffer {
  try {
    // The header, the flags, and the kind of the first section.
    scratch.fill(0, 0, sectionsAt + 1);
    scratch.writeInt32LE(opMsg, 12);
    let at = append(command, sectionsAt + 1, ignoreUndefined);
    if (sequence !== undefined) {
      const start = at;
      const name = Buffer.from(`${sequence.name}\0`);
      makeRoom(start, 5 + name.length);
      scratch[start] = 1;
      scratch.set(name, start + 5);
      at += 5 + name.length;
      for (const document of sequence.documents) at = append(document, at, ignoreUndefined);
      scratch.writeInt32LE(at - start - 1, start + 1);
    }
    scratch.writeInt32LE(at, 0);
    return Buffer.from(scratch.subarray(0, at));
  } finally {
    if (scratch.length > usualScratch) scratch = Buffer.allocUnsafe(usualScratch);
  }
}

/** @returns where the document ends */
function append(document: Document, at: number, ignoreUndefined: boolean): number {
  const options = { index: at, ignoreUndefined };
  try {
    return BSON.serializeWithBufferAndIndex(document, scratch, options) + 1;
  } catch (error) {
    // It does not fit, unless the document itself is the fault.
    if (!(error instanceof RangeError)) throw error;
    makeRoom(at, BSON.calculateObjectSize(document, options));
    return BSON.serializeWithBufferAndIndex(document, scratch, options) + 1;
  }
}

/** Makes room for more bytes after those that are used. */
function makeRoom(used: number, more: number): void {
  if (used + more <= scratch.length) return;
  const larger = Buffer.allocUnsafe(2 * (used + more));
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}
