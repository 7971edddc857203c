/** `explain`: how the documents were found, and how many keys and documents were read. */
import { emptyDocument } from "../bson/make.ts";
import { fields, items, type Raw, toJs } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { findText, type Plan } from "../plan/planner.ts";
import { accessOptions, parseSort, type Run, run } from "../plan/run-query.ts";
import { pause, type Work } from "../query/deadline.ts";
import { parseQuery } from "../query/parse.ts";
import type { Collection } from "../storage/collection.ts";
import { aggregate, startAggregate } from "./aggregate.ts";
import { checkCollation } from "./checks.ts";
import type { Context, Reply } from "./context.ts";
import { expressionsFor } from "./expressions.ts";
import { startFind } from "./read.ts";
import { Request } from "./request.ts";

/** @param check refuses unknown commands and arguments */
export function explain(context: Context, check: (request: Request) => void): Work<Reply> {
  const { request } = context;
  const inner = request.document("explain");
  if (inner === undefined) throw new StoreError(14, "explain needs a command");
  const args = new Map(fields(inner));
  const name = [...args.keys()][0] ?? "";
  const explained = new Request(name, args, new Map(), request.connection, request.db);
  check(explained);
  const verbosity = request.string("verbosity") ?? "allPlansExecution";
  if (!["queryPlanner", "executionStats", "allPlansExecution"].includes(verbosity))
    throw new StoreError(
      2,
      `Enumeration value '${verbosity}' for field 'explain.verbosity' is not a valid value.`,
    );
  return explainRequest(context, explained, verbosity, inner);
}

/** `aggregate`, or its explanation with `explain: true`. */
export function aggregateOrExplain(context: Context): Work<Reply> {
  const { request } = context;
  if (!request.flag("explain")) return aggregate(context);
  return explainRequest(context, request, "queryPlanner", undefined);
}

function* explainRequest(
  context: Context,
  explained: Request,
  verbosity: string,
  inner: Raw | undefined,
): Work<Reply> {
  const { store, request } = context;
  const { name } = explained;
  const started = performance.now();
  const collection = store.find(request.db, explained.collection());
  const running = collection && start(context, explained, name, collection);
  let returned = 0;
  const execute = verbosity !== "queryPlanner" || name === "aggregate";
  if (running !== undefined && execute) {
    for (let found = running.next(); found !== undefined; found = running.next()) {
      if (found === pause) yield;
      else returned++;
    }
  }
  const plan = running?.run?.plan;
  const winning = plan === undefined ? { stage: "EOF" } : stageOf(plan, running?.sorts ?? false);
  return {
    explainVersion: "1",
    queryPlanner: {
      namespace: `${request.db}.${explained.collection()}`,
      indexFilterSet: false,
      winningPlan: winning,
      rejectedPlans: [],
    },
    ...(execute
      ? {
          executionStats: {
            executionSuccess: true,
            nReturned: returned,
            executionTimeMillis: Math.round(performance.now() - started),
            totalKeysExamined: running?.run?.counters.keys ?? 0,
            totalDocsExamined: running?.run?.counters.documents ?? 0,
            executionStages: winning,
          },
        }
      : {}),
    ...(inner === undefined ? {} : { command: toJs(inner) }),
    serverInfo: { host: "localhost", port: 0, version: "7.0.0" },
  };
}

interface Explained {
  readonly run: Run | undefined;
  readonly sorts: boolean;
  next(): unknown;
}

function start(context: Context, request: Request, name: string, collection: Collection): Explained {
  if (name === "find") {
    const { running, results } = startFind(context, request, collection);
    return {
      run: running,
      sorts:
        parseSort(
          request.document("sort"),
          findText(parseQuery(request.document("filter") ?? emptyDocument)) !== undefined,
        ).length > 0,
      next: () => results.next(),
    };
  }
  if (name === "aggregate") {
    const { running, results } = startAggregate(context, request);
    return { run: running, sorts: false, next: () => results.next() };
  }
  const { filter, hint } = writeFilter(request, name);
  const running = run(collection, {
    filter: parseQuery(filter),
    sort: [],
    skip: 0,
    limit: 0,
    ...accessOptions(undefined, hint, collection),
    expressions: expressionsFor(undefined, context.now).tests,
    deadline: context.deadline,
  });
  return { run: running, sorts: false, next: () => running.next() };
}

/** The filter of a write, a count or a distinct. Documents to be changed are read, not changed. */
function writeFilter(request: Request, name: string): { filter: Raw; hint: Raw | undefined } {
  const empty = request.document("query");
  checkCollation(request.get("collation"));
  switch (name) {
    case "count":
    case "distinct":
    case "findAndModify":
      return { filter: empty ?? emptyDocument, hint: request.get("hint") };
    case "update":
    case "delete": {
      const list = request.array(`${name}s`);
      const statement = new Map(list ? fields(items(list)[0] ?? emptyDocument) : []);
      return { filter: statement.get("q") ?? emptyDocument, hint: statement.get("hint") };
    }
    default:
      throw new StoreError(59, `Explain failed due to unknown command: ${name}`);
  }
}

function stageOf(plan: Plan, sorts: boolean): Record<string, unknown> {
  const found = accessOf(plan);
  return sorts && !(plan.kind === "index" && plan.sorted) ? { stage: "SORT", inputStage: found } : found;
}

function accessOf(plan: Plan): Record<string, unknown> {
  switch (plan.kind) {
    case "scan":
      return { stage: "COLLSCAN", direction: plan.backward ? "backward" : "forward" };
    case "index":
      return {
        stage: "FETCH",
        inputStage: {
          stage: "IXSCAN",
          indexName: plan.index?.name ?? "_id_",
          keyPattern: plan.index ? toJs(plan.index.key) : { _id: 1 },
          isMultiKey: plan.index ? plan.index.multikey !== 0 : false,
          isUnique: plan.index?.unique ?? true,
          isSparse: plan.index?.sparse ?? false,
          isPartial: plan.index?.partial !== undefined,
          direction: plan.backward ? "backward" : "forward",
          ranges: plan.ranges.length,
        },
      };
    case "union":
      return { stage: "OR", inputStages: plan.plans.map(accessOf) };
    case "text":
      return { stage: "TEXT_MATCH", indexName: plan.index.name };
  }
}
