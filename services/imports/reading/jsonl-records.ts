/** Lines of a JSONL file: one JSON object each. Empty lines are left out. */
import type { Position } from "../imports.schemas.ts";
import { type FileRecord, MAX_RECORD } from "./records.ts";
import { RefusedFileError } from "./refused-file.ts";

const NEWLINE = 0x0a;

/** @throws {RefusedFileError} for a line that is too long */
export async function* jsonlRecords(
  pieces: AsyncIterable<Buffer>,
  from: Position,
): AsyncGenerator<FileRecord> {
  let rest: Buffer = Buffer.alloc(0);
  let end = from;
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let begin = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, begin)) {
      end = { byte: end.byte + at + 1 - begin, line: end.line + 1 };
      yield* lineOf(bytes.subarray(begin, at), end);
      begin = at + 1;
    }
    rest = bytes.subarray(begin);
    if (rest.length > MAX_RECORD) throw tooLong(end.line + 1);
  }
  if (rest.length > 0) yield* lineOf(rest, { byte: end.byte + rest.length, line: end.line + 1 });
}

function* lineOf(bytes: Buffer, end: Position): Generator<FileRecord> {
  if (bytes.length > MAX_RECORD) throw tooLong(end.line);
  const text = bytes.toString().trim();
  if (text !== "") yield { line: end.line, end, text };
}

const tooLong = (line: number) => new RefusedFileError(line, `the line has more than ${MAX_RECORD} bytes`);
