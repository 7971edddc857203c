/** Lines of CSV files (RFC 4180): commas, quotes where needed, CRLF. */
import { guarded } from "../rows/cells.ts";

export type Cell = string | number | boolean | null | undefined;

/** Text that a spreadsheet would run is guarded. Numbers are not text. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(cellOf).join(",")}\r\n`;

function cellOf(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const text = guarded(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
