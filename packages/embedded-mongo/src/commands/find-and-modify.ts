/** `findAndModify`: finds one document, changes it, and answers with its old or new form. */
import { emptyDocument, nullRaw } from "../bson/make.ts";
import { getField, isEmptyDocument, type Raw, Type } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { failedToParse } from "../errors.ts";
import type { Filter } from "../query/ast.ts";
import { idFilter } from "../query/by-id.ts";
import type { Work } from "../query/deadline.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import { parseQuery } from "../query/parse.ts";
import { matchedPosition } from "../query/position.ts";
import { compileProjection } from "../query/project.ts";
import { checkNames } from "../storage/catalog.ts";
import { type Collection, idName } from "../storage/collection.ts";
import { planKilled } from "../storage/guard.ts";
import type { Stored } from "../storage/stored.ts";
import { parseUpdate } from "../update/parse.ts";
import { type Tools, updateStored, upsertDocument } from "../update/statement.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { expressionsFor } from "./expressions.ts";
import { parseArrayFilters, select, storedById } from "./write.ts";

interface Outcome {
  readonly n: number;
  readonly value: Raw | undefined;
  /** Only for updates. */
  readonly updatedExisting?: boolean;
  readonly upserted?: Raw | undefined;
}

export function* findAndModify(context: Context): Work<Reply> {
  const { store, request, now } = context;
  const name = request.collection();
  checkNames(request.db, name);
  checkCollation(request.get("collation"));
  const query = request.document("query") ?? emptyDocument;
  const remove = request.flag("remove");
  const change = request.get("update");
  const wantsNew = request.flag("new");
  const upsert = request.flag("upsert");
  if (remove && change !== undefined) throw failedToParse("Cannot specify both an update and remove=true");
  if (remove && upsert) throw failedToParse("Cannot specify both upsert=true and remove=true");
  if (remove && wantsNew)
    throw failedToParse(
      "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
    );
  if (!remove && change === undefined)
    throw failedToParse("Either an update or remove=true must be specified");
  const compilers = expressionsFor(request.document("let"), now);
  const tools: Tools = { now, expressions: compilers.tests, pipeline: compilers.pipeline };
  let parsedFilter: Filter | undefined;
  const filter = (): Filter => (parsedFilter ??= parseQuery(query));
  const update =
    change === undefined ? undefined : parseUpdate(change, parseArrayFilters(request.get("arrayFilters")));
  const found = store.find(request.db, name);
  const stored = found && (yield* findOne(context, found, query, filter, compilers.tests));
  // Other commands may have changed the catalogue during the search.
  const collection = store.find(request.db, name);
  if (found !== undefined && collection?.id !== found.id) throw planKilled();
  // A copy from before the change or removal.
  const before = stored?.document;
  const done = ((): Outcome => {
    if (collection !== undefined && stored !== undefined) {
      if (update === undefined) {
        collection.remove(stored);
        store.wrote = true;
        return { n: 1, value: before };
      }
      const changed = updateStored(collection, stored, update, filter, tools);
      if (changed) store.wrote = true;
      const value = wantsNew && changed ? collection.byRow(stored.rid)?.document : before;
      return { n: 1, value, updatedExisting: true };
    }
    if (update === undefined) return { n: 0, value: undefined };
    if (!upsert) return { n: 0, value: undefined, updatedExisting: false };
    const made = upsertDocument(update, filter(), tools);
    store.ensure(request.db, name).insert(made);
    store.wrote = true;
    return {
      n: 1,
      value: wantsNew ? made : undefined,
      updatedExisting: false,
      upserted: getField(made, idName),
    };
  })();
  const spec = request.document("fields");
  const projection =
    spec && !isEmptyDocument(spec) ? compileProjection(spec, compilers.tests, compilers.values) : undefined;
  const shown =
    done.value &&
    (projection?.(done.value, {
      position: (path) => matchedPosition(filter(), before ?? (done.value as Raw), path, tools.expressions),
    }) ??
      done.value);
  return reply(done, shown);
}

function* findOne(
  context: Context,
  collection: Collection,
  query: Raw,
  filter: () => Filter,
  expressions: ExpressionCompiler,
): Work<Stored | undefined> {
  const { request } = context;
  const byId = request.has("hint") ? undefined : idFilter(query);
  if (byId !== undefined) return storedById(collection, byId);
  const options = { hint: request.get("hint"), sort: request.document("sort"), limit: 1 };
  while (true) {
    const { rows, fresh, matches } = yield* select(context, collection, filter(), options, expressions);
    const [row] = rows;
    if (row === undefined) return undefined;
    if (fresh) return row.stored;
    const stored = collection.byRow(row.rid);
    // It was changed by others since it was found, so the search is repeated.
    if (stored !== undefined && matches(stored)) return stored;
    yield;
  }
}

function reply(done: Outcome, value: Raw | undefined): Buffer {
  const writer = new Writer(256);
  const mark = writer.open();
  writer.name(Type.object, "lastErrorObject");
  const last = writer.open();
  writer.int("n", done.n);
  if (done.updatedExisting !== undefined) writer.js("updatedExisting", done.updatedExisting);
  if (done.upserted !== undefined) writer.raw("upserted", done.upserted);
  writer.close(last);
  writer.raw("value", value ?? nullRaw);
  writer.double("ok", 1);
  writer.close(mark);
  return writer.take();
}
