/** Imports the next records of a file, as many as are written at once. */

import { type StockImport, stockImport } from "../../inventory/inventory.contract.ts";
import type { ProductImport } from "../../products/products.contract.ts";
import { productImport } from "../../products/products.contract.ts";
import type { Counts, LineError, Position } from "../imports.schemas.ts";
import type { KeptFile } from "../reading/kept-file.ts";
import { readRecords } from "../reading/read-records.ts";
import type { FileRecord } from "../reading/records.ts";
import { jsonRows } from "../rows/json-rows.ts";
import { productRows } from "../rows/product-rows.ts";
import type { Row } from "../rows/row.ts";
import { stockRows } from "../rows/stock-rows.ts";
import { breathing } from "./breathing.ts";
import type { Reading } from "./check-step.ts";

/** Written in one step, and counted together. */
const MAX_ROWS = 100;
const MAX_BYTES = 1_000_000;

export interface Outcome {
  line: number;
  outcome: keyof Omit<Counts, "done">;
  errors: readonly { field: string; message: string }[];
}

export interface Writers {
  products(items: { line: number; product: ProductImport }[]): Promise<Outcome[]>;
  stock(items: { line: number; stock: StockImport }[]): Promise<Outcome[]>;
}

export interface Applied {
  to: Position;
  end: boolean;
  counts: Counts;
  errors: LineError[];
}

/** @throws {RefusedFileError} */
export async function applyStep(
  file: KeptFile,
  reading: Reading & { columns: readonly string[] },
  writers: Writers,
): Promise<Applied> {
  const records = recordsBelowHeader(file, reading);
  const { columns, format } = reading;
  if (reading.what === "products") {
    const rows = format === "csv" ? productRows(records, columns) : jsonRows(records, productImport);
    return applyRows(rows, reading.from, (all) =>
      writers.products(all.map(({ line, value }) => ({ line, product: value }))),
    );
  }
  const rows = format === "csv" ? stockRows(records, columns) : jsonRows(records, stockImport);
  return applyRows(rows, reading.from, (all) =>
    writers.stock(all.map(({ line, value }) => ({ line, stock: value }))),
  );
}

async function* recordsBelowHeader(file: KeptFile, { format, from }: Reading): AsyncGenerator<FileRecord> {
  let header = format === "csv" && from.byte === 0;
  for await (const record of readRecords(file, format, from)) {
    if (!header) yield record;
    header = false;
  }
}

interface Good<T> {
  line: number;
  value: T;
}

async function applyRows<T>(
  rows: AsyncIterable<Row<T>>,
  from: Position,
  write: (good: Good<T>[]) => Promise<Outcome[]>,
): Promise<Applied> {
  const taken: Row<T>[] = [];
  let to = from;
  let end = true;
  for await (const row of breathing(rows)) {
    taken.push(row);
    to = row.end;
    if (taken.length < MAX_ROWS && to.byte - from.byte < MAX_BYTES) continue;
    end = false;
    break;
  }
  const good = taken.flatMap(({ line, value }) => (value === undefined ? [] : [{ line, value }]));
  const outcomes = good.length === 0 ? [] : await write(good);
  const bad = taken.flatMap((it) => (it.value === undefined ? it.errors : []));
  const places = new Map(taken.map((it) => [it.line, it.placeOf]));
  const found = outcomes.flatMap(({ line, errors }) =>
    errors.map(({ field, message }) => ({
      ...(places.get(line)?.(field) ?? { line, column: null, field }),
      message,
    })),
  );
  const failed = taken.length - good.length;
  return { to, end, counts: countsOf(outcomes, failed), errors: [...bad, ...found] };
}

function countsOf(outcomes: readonly Outcome[], failed: number): Counts {
  const counts = { done: outcomes.length + failed, created: 0, updated: 0, unchanged: 0, failed };
  for (const { outcome } of outcomes) counts[outcome]++;
  return counts;
}
