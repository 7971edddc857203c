/** `aggregate`: leading `$match`, `$sort`, `$skip`, `$limit` become a query that can use indexes. */

import { objectOf } from "../aggregate/expression.ts";
import { Environment, letVariables, type Reader } from "../aggregate/pipeline.ts";
import type { Stream } from "../aggregate/stream.ts";
import { emptyDocument, encode, intRaw } from "../bson/make.ts";
import { fields, getField, isEmptyDocument, items, numberOf, type Raw, Type, toJs } from "../bson/raw.ts";
import type { Results } from "../cursors.ts";
import { failedToParse, StoreError } from "../errors.ts";
import { findText } from "../plan/planner.ts";
import { accessOptions, parseSort, type Run, run } from "../plan/run-query.ts";
import type { Filter } from "../query/ast.ts";
import { constantFilter, type Deadline, type Pause, pause, type Work } from "../query/deadline.ts";
import { parseQuery } from "../query/parse.ts";
import type { Collection } from "../storage/collection.ts";
import { statsOf } from "./admin.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { cursorReply } from "./cursor-reply.ts";
import { checkFields } from "./fields.ts";
import { sizeOf } from "./indexes.ts";
import { fewDocuments } from "./read.ts";
import type { Request } from "./request.ts";

const cursorFields = new Set(["batchSize"]);

export function aggregate(context: Context): Work<Reply> {
  const { request } = context;
  checkCollation(request.get("collation"));
  const target = targetOf(request);
  const namespace = `${request.db}.${target ?? "$cmd.aggregate"}`;
  checkFields(request.document("cursor"), "aggregate.cursor", cursorFields);
  if (request.document("cursor") === undefined) {
    throw failedToParse("The 'cursor' option is required, except for aggregate with the explain argument");
  }
  const { results } = startAggregate(context, request);
  const collection = target === undefined ? undefined : context.store.find(request.db, target);
  const short = () => collection === undefined || collection.estimate() <= fewDocuments;
  return cursorReply(context, namespace, results, sizeOf(request.document("cursor")), { short });
}

function targetOf(request: Request): string | undefined {
  const value = request.get("aggregate");
  if (value?.isNumber()) {
    if (numberOf(value) !== 1)
      throw failedToParse(
        "Invalid command format: the 'aggregate' field must specify a collection name or 1",
      );
    return undefined;
  }
  return request.collection();
}

/** Compiles and starts a pipeline. `running` is its query, if there is one. */
export function startAggregate(
  context: Context,
  request: Request,
): { results: Results; running: Run | undefined } {
  const { store, now, deadline } = context;
  const pipeline = request.array("pipeline");
  if (pipeline === undefined)
    throw new StoreError(40414, "BSON field 'aggregate.pipeline' is missing but a required field");
  const stages = items(pipeline);
  const read: Reader = (name, inner, environment) => {
    const started = start(store.find(request.db, name), inner, environment, deadline, undefined);
    return started.documents;
  };
  const environment = new Environment(now, letVariables(request.document("let"), now), read);
  const target = targetOf(request);
  const collection = target === undefined ? undefined : store.find(request.db, target);
  const { documents, running } = start(collection, stages, environment, deadline, request.get("hint"));
  const iterator = documents[Symbol.iterator]();
  return { running, results: { next: () => iterator.next().value, release: () => running?.release() } };
}

const naturalName = Buffer.from("$natural");

interface Started {
  readonly documents: Stream;
  readonly running: Run | undefined;
}

function start(
  collection: Collection | undefined,
  stages: readonly Raw[],
  environment: Environment,
  deadline: Deadline,
  hint: Raw | undefined,
): Started {
  const special = specialSource(collection, stages, environment);
  if (special !== undefined)
    return { documents: environment.compile(stages.slice(1))(special), running: undefined };
  const lead = leading(stages);
  if (collection !== undefined && constantFilter(lead.filter) && lead.used === stages.length - 1) {
    const counts = countingGroup(stages[stages.length - 1] as Raw);
    if (counts !== undefined) return { documents: countOf(collection, counts, lead), running: undefined };
  }
  const rest = environment.compile(stages.slice(lead.used));
  if (collection === undefined) return { documents: rest([]), running: undefined };
  const running = run(collection, {
    filter: lead.filter,
    sort: parseSort(lead.sort, findText(lead.filter) !== undefined),
    skip: lead.skip,
    limit: lead.limit,
    ...accessOptions(undefined, hint, collection),
    expressions: environment.tests,
    deadline,
  });
  return { documents: rest(documentsOf(running, environment)), running };
}

function* documentsOf(running: Run, environment: Environment): Stream {
  const { scores } = running;
  if (scores !== undefined) environment.scores = new WeakMap();
  for (let found = running.next(); found !== undefined; found = running.next()) {
    if (found === pause) yield pause;
    else {
      environment.scores?.set(found.document, scores?.get(found.rid) ?? 0);
      yield found.document;
    }
  }
}

interface Lead {
  readonly filter: Filter;
  readonly sort: Raw | undefined;
  readonly skip: number;
  readonly limit: number;
  /** Number of stages that the query replaces. */
  readonly used: number;
}

/** The leading stages that a query can do: matches, then one sort, then one skip, then one limit. */
function leading(stages: readonly Raw[]): Lead {
  const filters: Filter[] = [];
  let sort: Raw | undefined;
  let skip = 0;
  let limit = 0;
  let used = 0;
  for (const stage of stages) {
    const [name, spec] = (stage.type === Type.object ? fields(stage)[0] : undefined) ?? [];
    if (spec === undefined || fields(stage).length !== 1) break;
    if (name === "$match" && spec.type === Type.object && sort === undefined && skip === 0 && limit === 0)
      filters.push(parseQuery(spec));
    else if (
      name === "$sort" &&
      spec.type === Type.object &&
      !isEmptyDocument(spec) &&
      sort === undefined &&
      skip === 0 &&
      limit === 0
    ) {
      if (getField(spec, naturalName) !== undefined)
        throw new StoreError(16410, "$sort can't be by $natural");
      sort = spec;
    } else if (name === "$skip" && whole(spec) && skip === 0 && limit === 0) skip = numberOf(spec);
    else if (name === "$limit" && whole(spec) && numberOf(spec) > 0 && limit === 0) limit = numberOf(spec);
    else break;
    used++;
  }
  const filter: Filter =
    filters.length === 1
      ? (filters[0] as Filter)
      : filters.length === 0
        ? { kind: "constant", value: true }
        : { kind: "and", filters };
  return { filter, sort, skip, limit, used };
}

function whole(spec: Raw): boolean {
  return spec.isNumber() && Number.isInteger(numberOf(spec)) && numberOf(spec) >= 0;
}

interface CountingGroup {
  readonly id: [name: string, value: Raw];
  /** The name of the field that has the number. */
  readonly field: string;
}

/** `countDocuments({})` ends in a `$group` that only counts. The number is known without reading. */
function countingGroup(stage: Raw): CountingGroup | undefined {
  const [name, spec] = fields(stage)[0] ?? [];
  if (name !== "$group" || spec?.type !== Type.object) return undefined;
  const [id, counted, ...more] = fields(spec);
  if (id?.[0] !== "_id" || counted === undefined || more.length > 0) return undefined;
  if (id[1].type !== Type.int && !id[1].isNullish()) return undefined;
  const sum = counted[1].type === Type.object ? fields(counted[1]) : [];
  if (sum.length !== 1 || sum[0]?.[0] !== "$sum" || sum[0][1].type !== Type.int || numberOf(sum[0][1]) !== 1)
    return undefined;
  return { id, field: counted[0] };
}

function* countOf(collection: Collection, { id, field }: CountingGroup, { skip, limit }: Lead): Stream {
  const rest = Math.max(0, (yield* pausing(collection.counting())) - skip);
  const n = limit > 0 ? Math.min(rest, limit) : rest;
  if (n > 0) yield objectOf([id, [field, intRaw(n)]]);
}

/** Work within a stream. */
function* pausing<T>(work: Work<T>): Generator<Pause, T> {
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    yield pause;
  }
}

function* collectionStats(collection: Collection, wants: ReadonlySet<string>, now: number): Stream {
  yield encode({
    ns: collection.namespace,
    localTime: new Date(now),
    ...(wants.has("storageStats") ? { storageStats: yield* pausing(statsOf(collection)) } : {}),
    ...(wants.has("count") ? { count: yield* pausing(collection.counting()) } : {}),
  });
}

/** Stages that produce documents themselves. */
function specialSource(
  collection: Collection | undefined,
  stages: readonly Raw[],
  environment: Environment,
): Stream | undefined {
  const [name, spec] = (stages[0]?.type === Type.object ? fields(stages[0])[0] : undefined) ?? [];
  if (spec === undefined || fields(stages[0] as Raw).length !== 1) return undefined;
  if (name === "$documents") {
    const made = environment.values(spec)(emptyDocument);
    const documents = made?.type === Type.array ? items(made) : undefined;
    if (documents === undefined || documents.some((document) => document.type !== Type.object))
      throw new StoreError(5858203, "an array of documents is expected in $documents");
    return documents;
  }
  if (name === "$collStats") {
    const known = new Set(["count", "storageStats"]);
    for (const [option, value] of fields(spec)) {
      if (!known.has(option) || value.type !== Type.object || !isEmptyDocument(value))
        throw new StoreError(238, `$collStats with '${option}' is not supported by this store`);
    }
    if (collection === undefined) return [];
    const wants = new Set(spec.type === Type.object ? fields(spec).map(([option]) => option) : []);
    return collectionStats(collection, wants, environment.now);
  }
  if (name === "$indexStats") {
    if (spec.type !== Type.object || !isEmptyDocument(spec))
      throw new StoreError(28803, "The $indexStats stage specification must be an empty object");
    const all = collection
      ? [
          encode({ name: "_id_", key: { _id: 1 } }),
          ...collection.indexes.map((index) => encode({ name: index.name, key: toJs(index.key) })),
        ]
      : [];
    return all;
  }
  return undefined;
}
