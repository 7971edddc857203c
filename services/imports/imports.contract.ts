import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  reply,
} from "../../broker/contract/contract.ts";
import { cursor, flag, id, limit, page } from "../../broker/contract/schemas.ts";
import { uploadedFile, uploadedPart } from "../../broker/contract/upload.ts";
import { importsErrors } from "./imports.errors.ts";
import {
  areaOf,
  counts,
  exportFile,
  type ImportView,
  importFailure,
  importFormat,
  importKind,
  importStatus,
  importView,
  lineError,
  position,
} from "./imports.schemas.ts";

/** Larger files are split. */
export const MAX_FILE = 200_000_000;
/** Columns of a CSV file. */
export const MAX_COLUMNS = 100;

const importId = id.meta({ description: "Id of the import" });
const columns = z.array(z.string().max(200)).max(MAX_COLUMNS);
const reading = { what: importKind, format: importFormat, parts: z.int().min(1), from: position };

const messages = {
  "import.start": command(
    "import",
    "Import a file that is kept under the import's id",
    z.strictObject({
      what: importKind,
      format: importFormat,
      dryRun: z.boolean(),
      bytes: z.int().min(1),
      parts: z.int().min(1),
      by: id.nullable(),
    }),
  ),
  "import.cancel": command("import", "Go no further", z.strictObject({})),
  "import.check": command(
    "import",
    "Read on in the file, without writing anything",
    z.strictObject({ ...reading, columns: columns.nullable() }),
  ),
  "import.checked": reply(
    "import",
    "The file is well-formed up to there",
    z.strictObject({ from: position, to: position, columns, end: z.boolean() }),
  ),
  "import.apply": command(
    "import",
    "Import the next records",
    z.strictObject({ ...reading, columns, dryRun: z.boolean(), by: id.nullable() }),
  ),
  "import.applied": reply(
    "import",
    "Records up to there are imported",
    z.strictObject({ from: position, to: position, counts, end: z.boolean() }),
  ),
  "import.refused": reply(
    "import",
    "The file can't be read on",
    z.strictObject({ from: position, failure: importFailure }),
  ),
  "import.discard": command(
    "import",
    "The file is no longer wanted",
    z.strictObject({ parts: z.int().min(1) }),
  ),
  "import.ended": event(
    "import",
    "An import has ended",
    z.strictObject({
      what: importKind.meta({ description: "What the file had", examples: ["products"] }),
      status: importStatus.meta({ description: "How it has ended", examples: ["completed"] }),
      dryRun: z.boolean().meta({ examples: [false] }),
      counts,
      by: id.nullable(),
    }),
  ),
};

const staff = { auth: "staff", scope: "imports:read" } as const;
const changing = { auth: "staff", scope: "imports:write" } as const;

/** A file of the shop's data, for who may read its area, too. */
const exported = (file: z.output<typeof exportFile>, operationId: string, summary: string, example: string) =>
  action({
    summary,
    description: "docs/imports.md describes the columns.",
    operationId,
    rest: `GET /exports/${file}`,
    ...staff,
    alsoScope: `${areaOf(file)}:read`,
    produces: file.endsWith(".jsonl") ? "application/jsonl" : "text/csv",
    pages: { action: "exportPage", fileName: file, given: { file } },
    params: z.strictObject({}),
    returns: z.unknown().meta({ examples: [example] }),
  });

export const imports = defineContract({
  service: "imports",
  errors: importsErrors,
  description: "Products and stock from files, and the shop's data as files.",
  actions: {
    start: action({
      summary: "Import products or stock from a file",
      description:
        "CSV or JSONL in UTF-8, as docs/imports.md describes. The file is kept and checked first; one that is not " +
        "well-formed is refused as a whole. Of a well-formed one, lines that can't be imported are reported, and the " +
        "others are imported. The reply comes when the file is kept.",
      operationId: "startImport",
      rest: "POST /imports",
      ...changing,
      repeatable: "the same file leads to the same state",
      status: 201,
      upload: { part: "keepPart", types: ["text/csv", "application/jsonl"], max: MAX_FILE },
      params: z.strictObject({
        what: importKind.meta({ description: "What the file has" }),
        dryRun: flag
          .default(false)
          .meta({ description: "Only report what would be done", examples: ["true"] }),
        file: uploadedFile,
      }),
      returns: importView,
      errors: ["IMPORT_FILE_REFUSED"],
    }),
    list: action({
      summary: "All imports, newest first",
      operationId: "listImports",
      rest: "GET /imports",
      ...staff,
      params: z.strictObject({ limit, cursor }),
      returns: page(importView),
    }),
    get: action({
      summary: "An import with its progress",
      operationId: "getImport",
      rest: "GET /imports/:id",
      ...staff,
      params: z.strictObject({ id: importId }),
      returns: importView,
      errors: ["NOT_FOUND"],
    }),
    events: action({
      summary: "Follow an import",
      description:
        "Server-sent events: `import`, with the import as `data` and its version as `id`. The stream ends with the import.",
      operationId: "followImport",
      rest: "GET /imports/:id/events",
      ...staff,
      produces: "text/event-stream",
      stream: {
        next: "next",
        event: "import",
        ends: ({ status }: ImportView) => status !== "checking" && status !== "running",
      },
      params: z.strictObject({ id: importId }),
      returns: z.unknown().meta({ examples: ["event: import\nid: 4\ndata: {}\n\n"] }),
      errors: ["NOT_FOUND"],
    }),
    errors: action({
      summary: "What was wrong with lines of the file",
      description: "In the order of lines. At most 10,000 are kept.",
      operationId: "listImportErrors",
      rest: "GET /imports/:id/errors",
      ...staff,
      params: z.strictObject({ id: importId, limit, cursor }),
      returns: page(lineError),
      errors: ["NOT_FOUND"],
    }),
    errorsFile: action({
      summary: "What was wrong with lines of the file, as CSV",
      operationId: "downloadImportErrors",
      rest: "GET /imports/:id/errors.csv",
      ...staff,
      produces: "text/csv",
      pages: { action: "errorsPage", fileName: "import-errors.csv" },
      params: z.strictObject({ id: importId }),
      returns: z
        .unknown()
        .meta({ examples: ["line,column,field,message\r\n17,4,price,must be a whole number\r\n"] }),
      errors: ["NOT_FOUND"],
    }),
    cancel: action({
      summary: "Stop an import",
      description: "What is imported stays. A part that is being written is finished.",
      operationId: "cancelImport",
      rest: "POST /imports/:id/cancel",
      ...changing,
      repeatable: "an import is stopped once",
      params: z.strictObject({ id: importId }),
      returns: importView,
      errors: ["NOT_FOUND", "IMPORT_ENDED"],
    }),
    exportProducts: exported(
      "products.csv",
      "exportProducts",
      "All products as CSV",
      "slug,name,description,categories,images,published,sku,price,currency,options\r\n" +
        "brass-lamp,Brass lamp,,lamps,,true,LAMP-BRASS-1,4900,USD,Colour=brass\r\n",
    ),
    exportProductLines: exported(
      "products.jsonl",
      "exportProductLines",
      "All products as JSON lines",
      '{"slug":"brass-lamp","name":"Brass lamp"}\n',
    ),
    exportStock: exported(
      "stock.csv",
      "exportStock",
      "All stock as CSV",
      "sku,onHand,lowAt\r\nLAMP-BRASS-1,12,5\r\n",
    ),
    exportOrders: exported(
      "orders.csv",
      "exportOrders",
      "All orders as CSV, with a row for each of their lines",
      "orderId,number\r\n01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21,261127-7K2QF-M9DXA\r\n",
    ),
    exportCustomers: exported(
      "customers.csv",
      "exportCustomers",
      "All accounts as CSV",
      "id,email\r\n01941b2e-5c01-7a06-b3c4-91d25e7f8a30,ann@example.com\r\n",
    ),
    exportPayments: exported(
      "payments.csv",
      "exportPayments",
      "All payments as CSV",
      "paymentId,orderId\r\n01941b2e-5c01-7a06-b3c4-91d25e7f8a31,01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21\r\n",
    ),
    exportPage: action({
      summary: "A part of an exported file",
      readOnly: true,
      params: z.strictObject({ file: exportFile, next: z.string().max(600).optional() }),
      returns: z.strictObject({ text: z.string(), next: z.string().nullable() }),
    }),
    keepPart: action({
      summary: "Keep a part of a file that is being received",
      params: uploadedPart,
      returns: z.void(),
      errors: ["IMPORT_FILE_REFUSED"],
    }),
    next: action({
      summary: "The import once it has changed, or null after a while",
      params: z.strictObject({
        id,
        after: z.int().min(0),
        waitMs: z.int().min(0).max(30_000),
      }),
      returns: importView.nullable(),
    }),
    errorsPage: action({
      summary: "A part of the report of errors",
      readOnly: true,
      params: z.strictObject({ id, next: z.string().max(500).optional() }),
      returns: z.strictObject({ text: z.string(), next: z.string().nullable() }),
    }),
  },
  messages,
  actors: {
    import: {
      receives: ["import.checked", "import.applied", "import.refused"],
      inline: ["import.start", "import.cancel"],
    },
  },
  workers: { reader: { receives: ["import.check", "import.apply", "import.discard"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof imports> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
