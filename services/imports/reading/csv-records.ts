/** Records of a CSV file (RFC 4180, with commas). Cells may contain newlines within quotes. */
import { Readable } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import { MAX_COLUMNS } from "../imports.contract.ts";
import type { Position } from "../imports.schemas.ts";
import { type FileRecord, MAX_RECORD } from "./records.ts";
import { RefusedFileError } from "./refused-file.ts";

interface Parsed {
  info: Info;
  record: string[];
}

/** The parser counts the bytes of values only. Cells without any would escape it. */
const MAX_AHEAD = 2 * MAX_RECORD;

const REASONS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is never closed",
  CSV_INVALID_CLOSING_QUOTE: "a quote is closed before the end of its cell",
  INVALID_OPENING_QUOTE:
    "a quote is opened within a cell; the cell must be in quotes, and quotes in it doubled",
  CSV_MAX_RECORD_SIZE: `a record has more than ${MAX_RECORD} bytes; is a quote never closed?`,
};

/**
 * @param pieces of the file, from there on
 * @throws {RefusedFileError} where what follows can't be told apart: quotes, or a record without an end
 */
export async function* csvRecords(pieces: AsyncIterable<Buffer>, from: Position): AsyncGenerator<FileRecord> {
  const parser = parse({
    info: true,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD,
    // Before the record is taken: an error discards those that wait.
    on_record(record: string[], { bytes, lines }) {
      parsed = { bytes, lines };
      return record;
    },
  });
  let parsed = { bytes: 0, lines: 0 };
  const nextLine = () => from.line + parsed.lines + 1;
  const input = Readable.from(bounded(pieces, () => parser.info.bytes - parsed.bytes, nextLine));
  input.on("error", (error) => parser.destroy(error));
  try {
    for await (const { info, record } of input.pipe(parser) as AsyncIterable<Parsed>) {
      const end = { byte: from.byte + info.bytes, line: from.line + info.lines };
      const line = end.line - record.reduce((sum, it) => sum + newlinesIn(it), 0);
      if (record.length > MAX_COLUMNS)
        throw new RefusedFileError(line, `there are ${record.length} columns, and may be ${MAX_COLUMNS}`);
      yield { line, end, cells: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new RefusedFileError(nextLine(), REASONS[error.code] ?? "the line is not well-formed CSV");
  } finally {
    input.destroy();
    parser.destroy();
  }
}

/** Stops where the parser has read much more than it has found records in. */
async function* bounded(
  pieces: AsyncIterable<Buffer>,
  ahead: () => number,
  line: () => number,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    if (ahead() > MAX_AHEAD) throw new RefusedFileError(line(), REASONS.CSV_MAX_RECORD_SIZE ?? "");
    yield piece;
  }
}

function newlinesIn(text: string): number {
  let found = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) found++;
  return found;
}
