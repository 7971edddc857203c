/** Reads on in a file without writing anything: whether it is well-formed, and has columns that are known. */
import type { ImportKind, importFormat, Position } from "../imports.schemas.ts";
import type { KeptFile } from "../reading/kept-file.ts";
import { readRecords } from "../reading/read-records.ts";
import { RefusedFileError } from "../reading/refused-file.ts";
import { PRODUCT_COLUMNS } from "../rows/product-rows.ts";
import { STOCK_COLUMNS } from "../rows/stock-rows.ts";
import { breathing } from "./breathing.ts";

/** So much is read in one step, which takes less than a second. */
const STEP_BYTES = 4_000_000;

export interface Reading {
  what: ImportKind;
  format: (typeof importFormat)["_output"];
  from: Position;
}

export interface Checked {
  to: Position;
  columns: string[];
  end: boolean;
}

/** @throws {RefusedFileError} */
export async function checkStep(
  file: KeptFile,
  { what, format, from, columns }: Reading & { columns: readonly string[] | null },
): Promise<Checked> {
  let known = columns ? [...columns] : undefined;
  let to = from;
  let records = 0;
  for await (const record of breathing(readRecords(file, format, from))) {
    if (format === "csv") known ??= checkedColumns(what, record.cells ?? [], record.line);
    else known ??= [];
    to = record.end;
    records++;
    if (to.byte - from.byte >= STEP_BYTES) return { to, columns: known, end: false };
  }
  if (from.byte === 0 && records === (format === "csv" ? 1 : 0))
    throw new RefusedFileError(to.line, "there are no records");
  if (!known) throw new RefusedFileError(1, "there is no header");
  return { to, columns: known, end: true };
}

const ALLOWED = { products: PRODUCT_COLUMNS, stock: STOCK_COLUMNS } as const;

/** The names in the header. @throws {RefusedFileError} */
function checkedColumns(what: ImportKind, cells: readonly string[], line: number): string[] {
  const columns = cells.map((it) => it.trim());
  const allowed: readonly string[] = ALLOWED[what];
  const unknown = columns.find((it) => !allowed.includes(it));
  if (unknown !== undefined)
    throw new RefusedFileError(
      line,
      `there is a column ${JSON.stringify(unknown.slice(0, 40))}; known are ${allowed.join(", ")}`,
    );
  const twice = columns.find((it, at) => columns.indexOf(it) !== at);
  if (twice !== undefined) throw new RefusedFileError(line, `the column ${twice} is there twice`);
  const has = (name: string) => columns.includes(name);
  if (!has("sku") && !(what === "products" && has("slug")))
    throw new RefusedFileError(
      line,
      what === "stock" ? "there is no column sku" : "there is neither slug nor sku",
    );
  if (what === "products" && has("sku") && !(has("price") && has("currency")))
    throw new RefusedFileError(line, "with the column sku there must be price and currency");
  return columns;
}
