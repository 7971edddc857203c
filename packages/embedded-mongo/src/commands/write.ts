/** `insert`, `update`, `delete`: each statement is atomic, and errors are reported per statement. */
import { fields, isEmptyDocument, items, numberOf, type Raw, Type, typeName } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { badValue, codeName, failedToParse, StoreError } from "../errors.ts";
import { findText } from "../plan/planner.ts";
import { accessOptions, parseSort, run, storedMatcher } from "../plan/run-query.ts";
import type { Filter } from "../query/ast.ts";
import { type IdFilter, idFilter } from "../query/by-id.ts";
import { finishNow, isTurnOver, pause, TurnOver, type Work, withoutPause } from "../query/deadline.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import { parseFilter, parseQuery } from "../query/parse.ts";
import { checkNames } from "../storage/catalog.ts";
import type { Collection } from "../storage/collection.ts";
import { planKilled } from "../storage/guard.ts";
import type { Stored } from "../storage/stored.ts";
import { parseUpdate } from "../update/parse.ts";
import { prepareInsert, type Tools, updateStored, upsertDocument } from "../update/statement.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { expressionsFor } from "./expressions.ts";
import { unknownField } from "./fields.ts";

const mostStatements = 100_000;

function statements(context: Context, name: string): readonly Raw[] {
  const { request } = context;
  const array = request.array(name);
  const list = request.sequence(name) ?? (array === undefined ? undefined : items(array));
  if (list === undefined) {
    throw new StoreError(40414, `BSON field '${request.name}.${name}' is missing but a required field`);
  }
  if (list.length === 0 || list.length > mostStatements) {
    throw new StoreError(
      16,
      `Write batch sizes must be between 1 and ${mostStatements}. Got ${list.length} operations.`,
    );
  }
  for (const statement of list) {
    if (statement.type !== Type.object) {
      throw new StoreError(
        14,
        `BSON field '${request.name}.${name}' is the wrong type '${typeName(statement.type)}', expected type 'object'`,
      );
    }
  }
  return list;
}

interface WriteError {
  readonly index: number;
  readonly error: StoreError;
}

/**
 * Runs the statements. When ordered, stops at the first error. All are first tried as one, because a savepoint per
 * statement costs a tenth of a write. If one fails, or all take more than a time slice, all are undone and run again
 * one by one.
 * @param forget undoes what `one` has counted
 */
function* runAll(
  context: Context,
  list: readonly Raw[],
  one: (statement: Raw, index: number) => Work<void> | undefined,
  forget: () => void,
): Work<WriteError[]> {
  const { store } = context;
  const wroteBefore = store.wrote;
  try {
    store.asOne(() => {
      for (let index = 0; index < list.length; index++) {
        const work = one(list[index] as Raw, index);
        if (work !== undefined) finishNow(work);
      }
    });
    return [];
  } catch (error) {
    if (!(error instanceof TurnOver || isStatementError(error))) throw error;
    forget();
    store.wrote = wroteBefore;
    if (list.length === 1 && !(error instanceof TurnOver)) return [{ index: 0, error: error as StoreError }];
  }
  const ordered = context.request.flag("ordered", true);
  const errors: WriteError[] = [];
  for (let index = 0; index < list.length; index++) {
    const statement = list[index] as Raw;
    try {
      // The stored reply belongs to the writes, so all of them must be in one time slice.
      if (context.retried && store.wrote)
        store.asOne(() => withoutPause(() => finishNow(one(statement, index) ?? nothing())));
      else yield* one(statement, index) ?? nothing();
    } catch (error) {
      if (!isStatementError(error)) throw error;
      errors.push({ index, error });
      if (ordered) break;
    }
  }
  return errors;
}

/** Work that is already done. */
function* nothing(): Work<void> {
  // Nothing is left to do.
}

/** An error of one statement. A time-out is an error of the whole command. */
function isStatementError(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code !== 50;
}

/**
 * Changes the selected documents atomically, or in groups that fit into a time slice. Other commands may have changed
 * or removed them since their selection. Then they are checked again.
 */
export function* change(
  context: Context,
  name: string,
  picked: Picked,
  work: (collection: Collection, stored: Stored) => void,
): Work<void> {
  const { store, request, retried, deadline } = context;
  let at = 0;
  let { fresh } = picked;
  while (at < picked.rows.length) {
    at = store.asPart(() => {
      const collection = store.find(request.db, name);
      if (collection === undefined || collection.id !== picked.collection.id) throw planKilled();
      let next = at;
      while (next < picked.rows.length) {
        const row = picked.rows[next++] as PickedRow;
        const stored = (fresh ? row.stored : undefined) ?? collection.byRow(row.rid);
        if (stored !== undefined && (fresh || picked.matches(stored))) work(collection, stored);
        deadline.check();
        if (!retried && next < picked.rows.length && isTurnOver()) break;
      }
      return next;
    });
    if (at === picked.rows.length) return;
    fresh = false;
    yield;
  }
}

/**
 * The reply to a command of statements.
 * @param more writes what this kind of command reports besides
 */
function replyOf(n: number, errors: readonly WriteError[], more?: (writer: Writer) => void): Buffer {
  const writer = new Writer(256);
  const mark = writer.open();
  writer.int("n", n);
  more?.(writer);
  writeErrors(writer, errors);
  writer.double("ok", 1);
  writer.close(mark);
  return writer.take();
}

function writeErrors(writer: Writer, errors: readonly WriteError[]): void {
  if (errors.length === 0) return;
  writer.js(
    "writeErrors",
    errors.map(({ index, error }) => ({
      index,
      code: error.code,
      codeName: codeName(error.code),
      ...error.extra,
      errmsg: error.message,
    })),
  );
}

export function* insert(context: Context): Work<Reply> {
  const { store, request } = context;
  const name = request.collection();
  const list = statements(context, "documents");
  checkNames(request.db, name);
  store.ensure(request.db, name);
  let n = 0;
  // Without a generator, which would cost a tenth of an insert.
  const insertOne = (document: Raw): undefined => {
    context.deadline.check();
    // Looked up each time, because an undo reloads the catalogue.
    store.asPart(() => store.ensure(request.db, name).insert(prepareInsert(document)));
    store.wrote = true;
    n++;
  };
  const errors = yield* runAll(context, list, insertOne, () => {
    n = 0;
  });
  return replyOf(n, errors);
}

interface UpdateStatement {
  readonly q: Raw;
  readonly u: Raw;
  readonly upsert: boolean;
  readonly multi: boolean;
  readonly hint: Raw | undefined;
  readonly sort: Raw | undefined;
  readonly filters: ReadonlyMap<string, Filter>;
  readonly variables: Raw | undefined;
}

const noFilters: ReadonlyMap<string, Filter> = new Map();

function parseStatement(statement: Raw): UpdateStatement {
  let q: Raw | undefined;
  let u: Raw | undefined;
  let upsert = false;
  let multi = false;
  let hint: Raw | undefined;
  let sort: Raw | undefined;
  let variables: Raw | undefined;
  let filters = noFilters;
  for (const [name, value] of fields(statement)) {
    if (name === "q") q = value;
    else if (name === "u") u = value;
    else if (name === "upsert") upsert = boolean(name, value);
    else if (name === "multi") multi = boolean(name, value);
    else if (name === "hint") hint = value;
    else if (name === "sort") sort = value;
    else if (name === "arrayFilters") filters = parseArrayFilters(value);
    else if (name === "collation") checkCollation(value);
    else if (name === "c") variables = value;
    else throw unknownField("update.updates", name);
  }
  if (q === undefined || q.type !== Type.object)
    throw new StoreError(40414, "BSON field 'update.updates.q' is missing but a required field");
  if (u === undefined)
    throw new StoreError(40414, "BSON field 'update.updates.u' is missing but a required field");
  if (sort !== undefined && multi) throw failedToParse("Cannot specify sort with multi=true");
  return { q, u, upsert, multi, hint, sort, filters, variables };
}

function boolean(name: string, value: Raw): boolean {
  if (value.type === Type.bool) return value.buf[value.start] === 1;
  if (value.isNullish()) return false;
  throw new StoreError(
    14,
    `BSON field '${name}' is the wrong type '${typeName(value.type)}', expected type 'bool'`,
  );
}

/** `arrayFilters` by their identifiers. */
export function parseArrayFilters(value: Raw | undefined): ReadonlyMap<string, Filter> {
  if (value === undefined || value.isNullish()) return noFilters;
  if (value.type !== Type.array) throw new StoreError(14, "arrayFilters must be an array");
  const filters = new Map<string, Filter>();
  for (const document of items(value)) {
    if (document.type !== Type.object || isEmptyDocument(document)) {
      throw failedToParse("Cannot use an expression without a top-level field name in arrayFilters");
    }
    const filter = parseFilter(document);
    const names = new Set(identifiers(filter));
    const [identifier] = names;
    if (identifier === undefined || names.size > 1) {
      throw failedToParse("Error parsing array filter: expected a single top-level field name");
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(identifier)) {
      throw badValue(
        `Error parsing array filter: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${identifier}'`,
      );
    }
    if (filters.has(identifier))
      throw failedToParse(`Found multiple array filters with the same top-level field name ${identifier}`);
    filters.set(identifier, filter);
  }
  return filters;
}

function identifiers(filter: Filter): string[] {
  if (filter.kind === "field") return [filter.path.parts[0]?.text ?? ""];
  return "filters" in filter ? filter.filters.flatMap(identifiers) : [];
}

export function* update(context: Context): Work<Reply> {
  const { request, now } = context;
  const name = request.collection();
  const list = statements(context, "updates");
  checkNames(request.db, name);
  const counts = { n: 0, modified: 0 };
  const upserted: { index: number; id: Raw }[] = [];
  const updateOne = (raw: Raw, index: number): Work<void> | undefined =>
    runUpdate(context, name, parseStatement(raw), counts, now, (id) => upserted.push({ index, id }));
  const errors = yield* runAll(context, list, updateOne, () => {
    counts.n = 0;
    counts.modified = 0;
    upserted.length = 0;
  });
  return replyOf(counts.n, errors, (writer) => {
    writer.int("nModified", counts.modified);
    if (upserted.length > 0) writeUpserted(writer, upserted);
  });
}

function writeUpserted(writer: Writer, upserted: readonly { index: number; id: Raw }[]): void {
  writer.name(Type.array, "upserted");
  const array = writer.open();
  upserted.forEach(({ index, id }, i) => {
    writer.index(Type.object, i);
    const mark = writer.open();
    writer.int("index", index);
    writer.raw("_id", id);
    writer.close(mark);
  });
  writer.close(array);
}

/**
 * Runs one update. An update of one document by `_id` is done when this returns. A generator would cost a tenth of
 * it.
 * @param inserted called with the `_id` of an inserted document
 */
function runUpdate(
  context: Context,
  name: string,
  statement: UpdateStatement,
  counts: { n: number; modified: number },
  now: number,
  inserted: (id: Raw) => void,
): Work<void> | undefined {
  const { store, request } = context;
  const parsed = parseUpdate(statement.u, statement.filters);
  if (statement.multi && parsed.kind === "replace")
    throw failedToParse("multi update is not supported for replacement-style update");
  const compilers = expressionsFor(statement.variables ?? request.document("let"), now);
  const tools: Tools = { now, expressions: compilers.tests, pipeline: compilers.pipeline };
  let filter: Filter | undefined;
  const lazyFilter = (): Filter => (filter ??= parseQuery(statement.q));
  const found = store.find(request.db, name);
  let matched = 0;
  let modified = 0;
  const work = (collection: Collection, stored: Stored): void => {
    matched++;
    if (!updateStored(collection, stored, parsed, lazyFilter, tools)) return;
    modified++;
    store.wrote = true;
  };
  /** Counted only after all have been changed. Where one fails, none counts. */
  const count = (): void => {
    counts.n += matched;
    counts.modified += modified;
    if (matched > 0 || !statement.upsert) return;
    const document = upsertDocument(parsed, lazyFilter(), tools);
    store.asPart(() => store.ensure(request.db, name).insert(document));
    store.wrote = true;
    counts.n++;
    const id = fields(document)[0]?.[1];
    if (id !== undefined) inserted(id);
  };
  const byId = statement.hint === undefined ? idFilter(statement.q) : undefined;
  if (found !== undefined && byId === undefined)
    return (function* () {
      const options = { ...statement, limit: statement.multi ? 0 : 1 };
      const picked = yield* select(context, found, lazyFilter(), options, compilers.tests);
      yield* change(context, name, picked, work);
      count();
    })();
  const stored = found && byId && storedById(found, byId);
  if (found !== undefined && stored !== undefined) store.asPart(() => work(found, stored));
  count();
  return undefined;
}

/** Documents that a filter selected, all before any change. */
export interface Picked {
  readonly collection: Collection;
  readonly rows: readonly PickedRow[];
  /** True while no other command has run, so the documents are unchanged. */
  readonly fresh: boolean;
  readonly matches: (stored: Stored) => boolean;
}

interface PickedRow {
  readonly rid: number;
  /** Dropped where many are selected. */
  readonly stored: Stored | undefined;
}

/** The document that a filter names by its `_id`, where it also matches the rest of the filter. */
export function storedById(collection: Collection, { key, matches }: IdFilter): Stored | undefined {
  const stored = collection.byId(key);
  return stored !== undefined && matches(stored.outline) ? stored : undefined;
}

/** The documents that a filter selects, all read before any change. */
export function* select(
  context: Context,
  collection: Collection,
  filter: Filter,
  options: { hint: Raw | undefined; sort: Raw | undefined; limit: number },
  expressions: ExpressionCompiler,
): Work<Picked> {
  const running = run(collection, {
    filter,
    sort: parseSort(options.sort, findText(filter) !== undefined),
    skip: 0,
    limit: options.limit,
    ...accessOptions(options.sort, options.hint, collection),
    expressions,
    deadline: context.deadline,
  });
  let rows: PickedRow[] = [];
  let fresh = true;
  for (let found = running.next(); found !== undefined; found = running.next()) {
    if (found !== pause) rows.push({ rid: found.rid, stored: fresh ? found : undefined });
    else {
      if (fresh) rows = rows.map(({ rid }) => ({ rid, stored: undefined }));
      fresh = false;
      yield;
    }
  }
  return { collection, rows, fresh, matches: storedMatcher(filter, expressions) };
}

export function* remove(context: Context): Work<Reply> {
  const { store, request, now } = context;
  const name = request.collection();
  const list = statements(context, "deletes");
  let n = 0;
  const removeOne = (raw: Raw): Work<void> | undefined => {
    const statement = parseDelete(raw);
    const expressions = expressionsFor(request.document("let"), now).tests;
    const byId = statement.hint === undefined ? idFilter(statement.q) : undefined;
    const filter = byId === undefined ? parseQuery(statement.q) : undefined;
    const found = store.find(request.db, name);
    if (found === undefined) return undefined;
    let removed = 0;
    const work = (collection: Collection, stored: Stored): void => {
      collection.remove(stored);
      store.wrote = true;
      removed++;
    };
    if (byId === undefined)
      return (function* () {
        const picked = yield* select(context, found, filter as Filter, statement, expressions);
        yield* change(context, name, picked, work);
        n += removed;
      })();
    const stored = storedById(found, byId);
    if (stored !== undefined) store.asPart(() => work(found, stored));
    n += removed;
    return undefined;
  };
  const errors = yield* runAll(context, list, removeOne, () => {
    n = 0;
  });
  return replyOf(n, errors);
}

function parseDelete(statement: Raw): { q: Raw; limit: number; hint: Raw | undefined; sort: undefined } {
  let q: Raw | undefined;
  let limit: number | undefined;
  let hint: Raw | undefined;
  for (const [name, value] of fields(statement)) {
    if (name === "q" && value.type === Type.object) q = value;
    else if (name === "limit" && value.isNumber()) limit = numberOf(value);
    else if (name === "hint") hint = value;
    else if (name === "collation") checkCollation(value);
    else if (name === "q" || name === "limit")
      throw new StoreError(
        14,
        `BSON field 'delete.deletes.${name}' is the wrong type '${typeName(value.type)}', expected type '${name === "q" ? "object" : "int"}'`,
      );
    else throw unknownField("delete.deletes", name);
  }
  if (q === undefined)
    throw new StoreError(40414, "BSON field 'delete.deletes.q' is missing but a required field");
  if (limit === undefined)
    throw new StoreError(40414, "BSON field 'delete.deletes.limit' is missing but a required field");
  if (limit !== 0 && limit !== 1)
    throw failedToParse(`The limit field in delete objects must be 0 or 1. Got ${limit}`);
  return { q, limit, hint, sort: undefined };
}
