/** `find`, `getMore`, `killCursors`, `count`, `distinct`. */
import { emptyDocument } from "../bson/make.ts";
import { isEmptyDocument, type Raw, Type } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { groupKey } from "../compare.ts";
import { ReadsElsewhere, type Results } from "../cursors.ts";
import { badValue, StoreError } from "../errors.ts";
import { parsePath } from "../path.ts";
import { findText, type Plan } from "../plan/planner.ts";
import { accessOptions, parseSort, type QueryOptions, type Run, run } from "../plan/run-query.ts";
import { idFilter } from "../query/by-id.ts";
import { checkTime, constantFilter, isTurnOver, type Pause, pause, type Work } from "../query/deadline.ts";
import { parseQuery } from "../query/parse.ts";
import { matchedPosition } from "../query/position.ts";
import { compileProjection } from "../query/project.ts";
import { filterReads, projectionReads, together } from "../query/reads.ts";
import { byKey, Sorter } from "../query/sorter.ts";
import { eachValue } from "../query/values.ts";
import { type Collection, maxDocumentSize } from "../storage/collection.ts";
import { checkCollation, checkFindOptions } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { closedCursor, cursorReply, writeBatch } from "./cursor-reply.ts";
import { expressionsFor } from "./expressions.ts";
import type { Request } from "./request.ts";

/** So many documents are read within a millisecond or two. */
export const fewDocuments = 1000;

/** Parses the common part of `find` and `explain` of a find, and starts the query. */
export function startFind(
  context: Context,
  request: Request,
  collection: Collection,
): { running: Run; results: Results } {
  const expressions = expressionsFor(request.document("let"), context.now);
  const filter = parseQuery(request.document("filter") ?? emptyDocument);
  const sort = request.document("sort");
  const limit = Math.abs(request.integer("limit") ?? 0);
  const options: QueryOptions = {
    filter,
    sort: parseSort(sort, findText(filter) !== undefined),
    skip: request.count("skip"),
    limit,
    ...accessOptions(sort, request.get("hint"), collection),
    expressions: expressions.tests,
    deadline: context.deadline,
  };
  const spec = request.document("projection");
  const projection =
    spec && !isEmptyDocument(spec)
      ? compileProjection(spec, expressions.tests, expressions.values)
      : undefined;
  const reads = projection && together(filterReads(filter), projectionReads(spec));
  const running = run(collection, options);
  const next = (): Raw | Pause | undefined => {
    const found = running.next();
    if (found === undefined || found === pause) return found;
    const document = found.within(reads);
    if (projection === undefined) return document;
    return projection(document, {
      score: running.scores?.get(found.rid),
      position: (path) => matchedPosition(filter, document, path, expressions.tests),
    });
  };
  return { running, results: { next, release: () => running.release() } };
}

export function find(context: Context): Reply | Work<Reply> {
  const { store, request } = context;
  const name = request.collection();
  const namespace = `${request.db}.${name}`;
  checkCollation(request.get("collation"));
  checkFindOptions(request);
  if (request.flag("tailable"))
    throw new StoreError(2, "error processing query: tailable cursor requested on non capped collection");
  const collection = store.find(request.db, name);
  const limit = request.integer("limit") ?? 0;
  const single = limit < 0 || request.flag("singleBatch");
  const batchSize =
    request.get("batchSize") === undefined ? (limit < 0 ? -limit : 101) : request.count("batchSize");
  if (collection === undefined) {
    parseQuery(request.document("filter") ?? emptyDocument);
    return closedCursor(namespace);
  }
  const fast = findById(request, collection, batchSize, namespace);
  if (fast !== undefined) return fast;
  const { results, running } = startFind(context, request, collection);
  return cursorReply(context, namespace, results, batchSize, {
    single,
    short: () =>
      mostOf(running.plan, Math.abs(limit)) <= fewDocuments || collection.estimate() <= fewDocuments,
    noTimeout: request.flag("noCursorTimeout"),
  });
}

/** How many documents a plan finds at most: one for each `_id` that is asked for. */
function mostOf(plan: Plan, limit: number): number {
  const named = plan.kind === "index" && plan.index === undefined && plan.ranges.every(({ point }) => point);
  return Math.min(limit || Number.POSITIVE_INFINITY, named ? plan.ranges.length : Number.POSITIVE_INFINITY);
}

/** `{_id: x}` without projection: the stored bytes are sent unchanged. */
function findById(
  request: Request,
  collection: Collection,
  batchSize: number,
  namespace: string,
): Buffer | undefined {
  if (batchSize === 0 || request.has("projection") || request.has("skip") || request.has("hint"))
    return undefined;
  const filter = request.document("filter");
  const wanted = filter && idFilter(filter);
  if (wanted === undefined) return undefined;
  const stored = collection.byId(wanted.key);
  const matches = stored !== undefined && wanted.matches(stored.outline);
  return closedCursor(namespace, matches ? stored.document : undefined);
}

export function* getMore(context: Context): Work<Reply> {
  const { store, request, now } = context;
  const id = request.get("getMore");
  if (id === undefined || (id.type !== Type.long && id.type !== Type.int)) {
    throw new StoreError(14, "BSON field 'getMore.getMore' must be of type 'long'");
  }
  const number =
    id.type === Type.long ? id.buf.readBigInt64LE(id.start) : BigInt(id.buf.readInt32LE(id.start));
  const collection = request.string("collection");
  if (collection === undefined)
    throw new StoreError(40414, "BSON field 'getMore.collection' is missing but a required field");
  const batchSize = request.get("batchSize") === undefined ? 0 : request.count("batchSize");
  if (request.count("maxTimeMS") > 0)
    throw badValue("cannot set maxTimeMS on getMore command for a non-awaitData cursor");
  const cursor = store.cursors.get(number, `${request.db}.${collection}`);
  if (cursor.busy) throw new StoreError(143, `cursor id ${number} is already in use`);
  if ("holder" in cursor) throw new ReadsElsewhere(cursor);
  cursor.busy = true;
  cursor.deadline.resume();
  cursor.lastUsed = now;
  const writer = new Writer(4096);
  const reply = writer.open();
  writer.name(Type.object, "cursor");
  const inner = writer.open();
  let open = false;
  try {
    const size = batchSize === 0 ? Number.POSITIVE_INFINITY : batchSize;
    open = yield* writeBatch(writer, "nextBatch", cursor, size);
  } finally {
    // It failed, has no more, or its client went away meanwhile.
    if (!open) store.cursors.close(number);
  }
  cursor.busy = false;
  cursor.deadline.suspend();
  cursor.lastUsed = store.clock();
  writer.long("id", open ? number : 0n);
  writer.string("ns", cursor.namespace);
  writer.close(inner);
  writer.double("ok", 1);
  writer.close(reply);
  return writer.take();
}

export function* count(context: Context): Work<Reply> {
  const { store, request } = context;
  checkCollation(request.get("collation"));
  const collection = store.find(request.db, request.collection());
  const query = request.document("query") ?? emptyDocument;
  const filter = parseQuery(query);
  const skip = request.count("skip");
  const limit = Math.abs(request.integer("limit") ?? 0);
  if (collection === undefined) return { n: 0 };
  if (constantFilter(filter)) {
    const n = Math.max(0, (yield* collection.counting()) - skip);
    return { n: limit > 0 ? Math.min(n, limit) : n };
  }
  const running = run(collection, {
    filter,
    sort: [],
    skip,
    limit,
    ...accessOptions(undefined, request.get("hint"), collection),
    expressions: expressionsFor(undefined, context.now).tests,
    deadline: context.deadline,
  });
  let n = 0;
  for (let found = running.next(); found !== undefined; found = running.next()) {
    if (found === pause) yield;
    else n++;
  }
  return { n };
}

export function* distinct(context: Context): Work<Reply> {
  const { store, request } = context;
  checkCollation(request.get("collation"));
  const collection = store.find(request.db, request.collection());
  const key = request.string("key");
  if (key === undefined || key === "") throw badValue("distinct needs a key");
  const filter = parseQuery(request.document("query") ?? emptyDocument);
  const values = new Map<string, Raw>();
  if (collection !== undefined) {
    const running = run(collection, {
      filter,
      sort: [],
      skip: 0,
      limit: 0,
      ...accessOptions(undefined, request.get("hint"), collection),
      expressions: expressionsFor(undefined, context.now).tests,
      deadline: context.deadline,
    });
    const { parts } = parsePath(key);
    const reads = [parsePath(key)];
    let bytes = 0;
    for (let found = running.next(); found !== undefined; found = running.next()) {
      if (found === pause) {
        yield;
        continue;
      }
      eachValue(found.within(reads), parts, 0, (value) => {
        if (value === undefined || value.type === Type.undefined) return;
        const group = groupKey(value);
        if (values.has(group)) return;
        values.set(group, value);
        bytes += value.end - value.start;
      });
      if (bytes > maxDocumentSize) throw new StoreError(17217, "distinct too big, 16mb cap");
    }
  }
  const writer = new Writer(1024);
  const reply = writer.open();
  writer.name(Type.array, "values");
  const array = writer.open();
  const sorter = new Sorter<{ key: Buffer; value: Raw }>(byKey, Number.POSITIVE_INFINITY, () => 0);
  for (const [key, value] of values) {
    sorter.add({ key: Buffer.from(key, "latin1"), value });
    if (isTurnOver()) yield;
    checkTime();
  }
  let index = 0;
  for (let row = sorter.next(); row !== undefined; row = sorter.next()) {
    writer.raw(String(index++), row.value);
    if (isTurnOver()) yield;
    checkTime();
  }
  writer.close(array);
  writer.double("ok", 1);
  writer.close(reply);
  return writer.take();
}
