/** The report of bad lines: written by steps, read in pages. */
import { type Model, trusted } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import { csvLine } from "../exports/csv.ts";
import type { LineError } from "../imports.schemas.ts";
import type { StoredLineError } from "./line-errors.model.ts";

/** Of one import. More are counted, but not kept. */
const MAX_KEPT = 10_000;
const MAX_TEXT = 300;
const CSV_PAGE = 500;
/** What keys of errors look like behind the id. */
const KEY = /^[0-9a-f-]{36}:\d{12}:\d{4}$/;

/** Enters each once, also when the step is repeated. */
export async function recordErrors(
  model: Model<StoredLineError>,
  importId: string,
  errors: readonly LineError[],
  at: Date,
): Promise<void> {
  if (errors.length === 0) return;
  if ((await model.countDocuments({ importId }).limit(MAX_KEPT)) >= MAX_KEPT) return;
  const numbers = new Map<number, number>();
  const operations = errors.map(({ line, column, field, message }) => {
    const number = numbers.get(line) ?? 0;
    numbers.set(line, number + 1);
    const error = { importId, line, column, field: field && clipped(field), message: clipped(message), at };
    return {
      updateOne: { filter: { _id: idOf(importId, line, number) }, update: { $set: error }, upsert: true },
    };
  });
  await collectionOf(model).bulkWrite(operations, { ordered: false });
}

const clipped = (text: string): string => text.slice(0, MAX_TEXT);

/** Ids sort as lines do. */
const idOf = (importId: string, line: number, number: number): string =>
  `${importId}:${String(line).padStart(12, "0")}:${String(number).padStart(4, "0")}`;

export async function listErrors(
  model: Model<StoredLineError>,
  { id, limit, cursor }: { id: string; limit: number; cursor?: string | undefined },
): Promise<{ items: LineError[]; nextCursor: string | null }> {
  const list = `errors ${id}`;
  const after = cursor === undefined ? `${id}:` : readCursor(cursor, list, KEY);
  const found = await model
    .find({ _id: trusted({ $gt: after, $lt: `${id};` }) })
    .sort({ _id: 1 })
    .limit(limit + 1)
    .lean<StoredLineError[]>();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => it._id);
  return { items: shown.map(viewOf), nextCursor };
}

/** A part of the report as CSV; the first one has the header. */
export async function errorsCsv(
  model: Model<StoredLineError>,
  id: string,
  next: string | undefined,
): Promise<{ text: string; next: string | null }> {
  const { items, nextCursor } = await listErrors(model, { id, limit: CSV_PAGE, cursor: next });
  const header = next === undefined ? csvLine(["line", "column", "field", "message"]) : "";
  const lines = items.map((it) => csvLine([it.line, it.column, it.field, it.message]));
  return { text: header + lines.join(""), next: nextCursor };
}

const viewOf = ({ line, column, field, message }: StoredLineError): LineError => ({
  line,
  column,
  field,
  message,
});
