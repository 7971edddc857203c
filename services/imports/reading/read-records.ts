/** Records of a kept file from one position on. */
import type { importFormat, Position } from "../imports.schemas.ts";
import { csvRecords } from "./csv-records.ts";
import { jsonlRecords } from "./jsonl-records.ts";
import type { KeptFile } from "./kept-file.ts";
import type { FileRecord } from "./records.ts";
import { bomLength, textPieces } from "./text-pieces.ts";

type Format = (typeof importFormat)["_output"];

/** @throws {RefusedFileError} */
export async function* readRecords(
  file: KeptFile,
  format: Format,
  from: Position,
): AsyncGenerator<FileRecord> {
  const start = from.byte === 0 ? { byte: await bomOf(file), line: from.line } : from;
  const pieces = textPieces(file.from(start.byte), start.line);
  yield* format === "csv" ? csvRecords(pieces, start) : jsonlRecords(pieces, start);
}

async function bomOf(file: KeptFile): Promise<number> {
  for await (const part of file.from(0)) return bomLength(part);
  return 0;
}
