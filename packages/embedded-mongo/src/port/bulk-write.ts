/** Bulk writes: one command for all inserts, one for all updates, one for all deletes. */
import { createRequire } from "node:module";
import {
  type BulkWriteResult,
  type Document,
  MongoBulkWriteError,
  type MongoError,
  type WriteError,
} from "mongodb";
import type { Commands } from "./commands.ts";
import { hasOnly, isDocument, isReplacement, isUpdate, names } from "./options.ts";

type Kind = "insert" | "update" | "delete";

/** Operations of one kind, and where they stand among all. */
interface Batch {
  readonly kind: Kind;
  readonly statements: Document[];
  readonly indexes: number[];
}

/** The driver's own form of a result. */
interface Totals {
  ok: number;
  writeErrors: WriteError[];
  writeConcernErrors: [];
  insertedIds: Document[];
  upserted: Document[];
  nInserted: number;
  nUpserted: number;
  nMatched: number;
  nModified: number;
  nRemoved: number;
}

// The driver (7.8) exports only their types.
const { BulkWriteResult: Result, WriteError: Failure } = createRequire(import.meta.url)(
  "mongodb/lib/bulk/common.js",
) as {
  BulkWriteResult?: new (totals: Totals, ordered: boolean) => BulkWriteResult;
  WriteError?: new (error: Document) => WriteError;
};

export interface BulkOptions {
  readonly ordered?: boolean;
  readonly ignoreUndefined?: boolean;
}

const sequences: Readonly<Record<Kind, string>> = {
  insert: "documents",
  update: "updates",
  delete: "deletes",
};

/**
 * Runs the operations.
 * @returns undefined where the driver has to do it: for forms and sizes that are not handled here
 * @throws {MongoBulkWriteError} as the driver does
 */
export function bulkWrite(
  commands: Commands,
  collection: string,
  operations: readonly Document[],
  { ordered = true, ignoreUndefined = false }: BulkOptions,
): Promise<BulkWriteResult> | undefined {
  if (Result === undefined || Failure === undefined) return undefined;
  const batches = batchesOf(operations);
  // One after the other, an ordered bulk of several kinds needs.
  if (batches === undefined || batches.length === 0 || (ordered && batches.length > 1)) return undefined;
  const messages = batches.map((it) =>
    commands.prepare(
      { [it.kind]: collection, ordered },
      { name: sequences[it.kind], documents: it.statements },
      ignoreUndefined,
    ),
  );
  if (messages.includes(undefined)) return undefined;
  const replies = Promise.allSettled(messages.map((it) => commands.send(it as Buffer)));
  return finish(
    batches,
    replies,
    (totals) => new Result(totals, ordered),
    (error) => new Failure(error),
  );
}

function batchesOf(operations: readonly Document[]): Batch[] | undefined {
  const batches: Batch[] = [];
  for (const [index, operation] of operations.entries()) {
    const [kind, statement] = statementOf(operation) ?? [];
    if (kind === undefined || statement === undefined) return undefined;
    let batch = batches.find((it) => it.kind === kind);
    if (batch === undefined) {
      batch = { kind, statements: [], indexes: [] };
      batches.push(batch);
    }
    batch.statements.push(statement);
    batch.indexes.push(index);
  }
  return batches;
}

const inUpdate = names("filter update upsert arrayFilters hint");
const inReplacement = names("filter replacement upsert hint");
const inDelete = names("filter hint");
const inInsert = names("document");

function statementOf(operation: Document): [Kind, Document] | undefined {
  const entries = Object.entries(operation);
  if (entries.length !== 1) return undefined;
  const [name, body] = entries[0] as [string, Document];
  switch (name) {
    case "insertOne":
      return hasOnly(body, inInsert) && isDocument(body.document) && body.document._id != null
        ? ["insert", body.document]
        : undefined;
    case "updateOne":
    case "updateMany":
      return hasOnly(body, inUpdate) && isUpdate(body.update)
        ? updated(body, body.update, name === "updateMany")
        : undefined;
    case "replaceOne":
      return hasOnly(body, inReplacement) && isReplacement(body.replacement)
        ? updated(body, body.replacement, false)
        : undefined;
    case "deleteOne":
    case "deleteMany":
      return hasOnly(body, inDelete) && isDocument(body.filter)
        ? ["delete", { q: body.filter, limit: name === "deleteOne" ? 1 : 0, ...given(body, "hint") }]
        : undefined;
    default:
      return undefined;
  }
}

function updated(body: Document, u: Document, multi: boolean): [Kind, Document] | undefined {
  if (!isDocument(body.filter)) return undefined;
  return ["update", updateStatement(body.filter, u, body, multi)];
}

/** A statement of an update command. */
export function updateStatement(q: Document, u: Document, options: Document, multi: boolean): Document {
  return { q, u, ...(multi ? { multi } : {}), ...given(options, "upsert", "arrayFilters", "hint") };
}

/** Those of the options that are set. */
export function given(options: Document, ...wanted: string[]): Document {
  const found: Document = {};
  for (const name of wanted) if (options[name] != null) found[name] = options[name];
  return found;
}

async function finish(
  batches: readonly Batch[],
  replies: Promise<PromiseSettledResult<Document>[]>,
  resultOf: (totals: Totals) => BulkWriteResult,
  failureOf: (error: Document) => WriteError,
): Promise<BulkWriteResult> {
  const totals: Totals = {
    ok: 1,
    writeErrors: [],
    writeConcernErrors: [],
    insertedIds: [],
    upserted: [],
    nInserted: 0,
    nUpserted: 0,
    nMatched: 0,
    nModified: 0,
    nRemoved: 0,
  };
  let failed: MongoError | undefined;
  for (const [i, reply] of (await replies).entries()) {
    if (reply.status === "fulfilled") add(totals, batches[i] as Batch, reply.value, failureOf);
    else failed ??= reply.reason;
  }
  const result = resultOf(totals);
  if (failed !== undefined) throw new MongoBulkWriteError(failed, result);
  const [first] = totals.writeErrors;
  if (first === undefined) return result;
  throw new MongoBulkWriteError(
    { message: first.errmsg ?? "write operation failed", code: first.code, writeErrors: totals.writeErrors },
    result,
  );
}

function add(
  totals: Totals,
  { kind, statements, indexes }: Batch,
  reply: Document,
  failureOf: (error: Document) => WriteError,
): void {
  const upserted: Document[] = reply.upserted ?? [];
  for (const { index, _id } of upserted) totals.upserted.push({ index: indexes[index], _id });
  if (kind === "insert") {
    totals.nInserted += reply.n;
    for (const [i, { _id }] of statements.entries()) totals.insertedIds.push({ index: indexes[i], _id });
  } else if (kind === "delete") totals.nRemoved += reply.n;
  else {
    totals.nUpserted += upserted.length;
    totals.nMatched += reply.n - upserted.length;
    totals.nModified += reply.nModified;
  }
  for (const { index, code, errmsg, errInfo } of reply.writeErrors ?? []) {
    const failure = { index: indexes[index], code, errmsg, errInfo, op: statements[index] };
    totals.writeErrors.push(failureOf(failure));
  }
}
