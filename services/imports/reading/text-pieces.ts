/** The bytes of a text file in small pieces, of which each is known to be UTF-8. */
import { RefusedFileError } from "./refused-file.ts";

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const UTF8_BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const WRONG_BOMS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/** Bytes of a mark at the beginning of a file in UTF-8. */
export const bomLength = (beginning: Uint8Array): number => (startsWith(beginning, UTF8_BOM) ? 3 : 0);

/**
 * What is wrong with the first bytes of a file; undefined where nothing is. For an answer before all of it is here.
 */
export function wrongBeginning(bytes: Uint8Array): string | undefined {
  if (WRONG_BOMS.some((it) => startsWith(bytes, it)))
    return "the file is in UTF-16 or UTF-32, and must be in UTF-8";
  if (bytes.includes(0)) return "there is a NUL byte; the file must be text in UTF-8";
  return undefined;
}

/**
 * Each piece begins with what was left of a character of the one before.
 * @param line lines before the first byte
 * @throws {RefusedFileError} for bytes that are not UTF-8, and for NUL bytes
 */
export async function* textPieces(parts: AsyncIterable<Buffer>, line: number): AsyncGenerator<Buffer> {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let lines = line;
  for await (const part of parts)
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      const piece = part.subarray(at, at + PIECE_BYTES);
      const nul = piece.indexOf(0);
      if (nul >= 0) throw new RefusedFileError(lineAt(piece, nul, lines), "there is a NUL byte");
      try {
        utf8.decode(piece, { stream: true });
      } catch {
        throw new RefusedFileError(lineAt(piece, wrongByte(piece), lines), NOT_UTF8);
      }
      lines += newlines(piece);
      yield piece;
    }
  try {
    utf8.decode();
  } catch {
    throw new RefusedFileError(lines + 1, NOT_UTF8);
  }
}

const NOT_UTF8 = "there are bytes that are not UTF-8; other encodings are not read";

const lineAt = (piece: Buffer, at: number, before: number): number =>
  before + newlines(piece.subarray(0, at)) + 1;

function newlines(bytes: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) found++;
  return found;
}

/** Halves the piece until the first wrong byte is found. A character may be cut at either end. */
function wrongByte(piece: Buffer): number {
  let good = 0;
  let bad = piece.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isBeginning(piece.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function isBeginning(bytes: Buffer): boolean {
  // Up to three bytes may belong to the character of the piece before.
  let from = 0;
  while (from < 3 && from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(from), { stream: true });
    return true;
  } catch {
    return false;
  }
}

const startsWith = (bytes: Uint8Array, beginning: Uint8Array): boolean =>
  Buffer.compare(bytes.subarray(0, beginning.length), beginning) === 0;
