/** Shapes of imports. */
import { z } from "zod";
import { id, time } from "../../broker/contract/schemas.ts";

export const importKind = z
  .enum(["products", "stock"])
  .meta({ id: "ImportKind", description: "What a file has" });
export type ImportKind = z.output<typeof importKind>;
export const importFormat = z
  .enum(["csv", "jsonl"])
  .meta({ id: "ImportFormat", description: "How a file is written" });
export const importStatus = z
  .enum(["checking", "running", "completed", "failed", "cancelled"])
  .meta({ id: "ImportStatus", description: "Where an import is. Nothing is written before it is running" });
export type ImportStatus = z.output<typeof importStatus>;

const count = z.int().min(0);
/** A place between two records of a file. */
export const position = z
  .strictObject({ byte: count, line: count })
  .meta({ id: "FilePosition", description: "Bytes and lines before it" });
export const importFailure = z
  .strictObject({
    line: count.meta({ description: "Line of the file, from 1" }),
    reason: z
      .string()
      .max(500)
      .meta({ examples: ["a quote is never closed"] }),
  })
  .meta({ id: "ImportFailure", description: "Why a file was refused" });
export type Position = z.output<typeof position>;
export const counts = z
  .strictObject({ done: count, created: count, updated: count, unchanged: count, failed: count })
  .meta({
    id: "ImportCounts",
    description: "What became of the records of a file",
    examples: [{ done: 12, created: 8, updated: 2, unchanged: 1, failed: 1 }],
  });
export type Counts = z.output<typeof counts>;

export const importView = z
  .strictObject({
    id,
    what: importKind,
    format: importFormat,
    dryRun: z.boolean().meta({ description: "Whether it only reports what it would do" }),
    status: importStatus,
    totalBytes: count.meta({ description: "Size of the file" }),
    checkedBytes: count.meta({ description: "How much of it is known to be well-formed" }),
    doneBytes: count,
    totalLines: count.nullable().meta({ description: "Lines of the file; null until all of it is checked" }),
    doneLines: count,
    done: count.meta({ description: "Products, or stock items, that were looked at" }),
    created: count,
    updated: count,
    unchanged: count.meta({ description: "Those that were in the shop like this already" }),
    failed: count.meta({ description: "Those that can't be imported, see GET /imports/:id/errors" }),
    failure: importFailure.nullable(),
    by: id.nullable().meta({ description: "Id of the member of staff" }),
    createdAt: time,
    endedAt: time.nullable(),
    version: z.int(),
  })
  .meta({
    id: "Import",
    description: "The import of a file, with its progress",
    examples: [
      {
        id: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
        what: "products",
        format: "csv",
        dryRun: false,
        status: "running",
        totalBytes: 31_457_280,
        checkedBytes: 31_457_280,
        doneBytes: 3_145_728,
        totalLines: 100_001,
        doneLines: 10_001,
        done: 10_000,
        created: 9_990,
        updated: 8,
        unchanged: 0,
        failed: 2,
        failure: null,
        by: "01941b2e-5c01-7a06-b3c4-91d25e7f8a30",
        createdAt: "2026-11-27T09:31:10.000Z",
        endedAt: null,
        version: 212,
      },
    ],
  });
export type ImportView = z.output<typeof importView>;

export const lineError = z
  .strictObject({
    line: count.meta({ description: "Line of the file, from 1", examples: [17] }),
    column: count.nullable().meta({ description: "Column of a CSV file, from 1", examples: [4] }),
    field: z
      .string()
      .nullable()
      .meta({ description: "Name of the column or field", examples: ["price"] }),
    message: z.string().meta({ examples: ["must be a whole number"] }),
  })
  .meta({
    id: "ImportError",
    description: "What is wrong with a line of a file",
    examples: [{ line: 17, column: 4, field: "price", message: "must be a whole number" }],
  });
export type LineError = z.output<typeof lineError>;

export const exportFile = z
  .enum(["products.csv", "products.jsonl", "stock.csv", "orders.csv", "customers.csv", "payments.csv"])
  .meta({ id: "ExportFile", description: "A file of the shop's data" });
export type ExportFile = z.output<typeof exportFile>;

const AREAS = {
  "products.csv": "catalogue",
  "products.jsonl": "catalogue",
  "stock.csv": "stock",
  "orders.csv": "orders",
  "customers.csv": "customers",
  "payments.csv": "payments",
} as const satisfies Record<ExportFile, string>;

/** Whose data a file has: the first part of a scope. */
export const areaOf = (file: ExportFile): (typeof AREAS)[ExportFile] => AREAS[file];
