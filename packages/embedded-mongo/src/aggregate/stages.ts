/** Aggregation stages as functions from a stream of documents to another. */

import { arrayRaw } from "../bson/compose.ts";
import { intRaw, nullRaw } from "../bson/make.ts";
import { fields, items, numberOf, type Raw, rawDocument, stringValue, Type, typeName } from "../bson/raw.ts";
import { Writer } from "../bson/writer.ts";
import { compareValues, groupKey } from "../compare.ts";
import { failedToParse, StoreError } from "../errors.ts";
import { encodeCompound } from "../key-encoding.ts";
import { parsePath } from "../path.ts";
import { parseSort } from "../plan/run-query.ts";
import { type Pause, pause } from "../query/deadline.ts";
import { compileFilter } from "../query/match.ts";
import { parseMatch } from "../query/parse.ts";
import { compileProjection } from "../query/project.ts";
import { byKey, Sorter } from "../query/sorter.ts";
import { eachValue, sortKey } from "../query/values.ts";
import { compileExpression, objectOf, required, type Scope } from "./expression.ts";
import { compileGroup } from "./group.ts";
import {
  compileAddFields,
  compileReplaceRoot,
  compileUnset,
  compileUnwind,
  type Reshape,
} from "./reshape.ts";
import type { Stage, StageContext, Stream } from "./stream.ts";

type StageCompiler = (spec: Raw, environment: StageContext) => Stage;

/** The options of a stage. Unknown ones are refused. */
function stageOptions(
  stage: string,
  spec: Raw,
  allowed: readonly string[],
  refuse = (name: string): StoreError =>
    new StoreError(40415, `BSON field '${stage}.${name}' is an unknown field.`),
): Map<string, Raw> {
  if (spec.type !== Type.object)
    throw failedToParse(
      `the ${stage} stage specification must be an object, but found ${typeName(spec.type)}`,
    );
  const found = new Map(fields(spec));
  for (const name of found.keys()) if (!allowed.includes(name)) throw refuse(name);
  return found;
}

const sortMemory = 100 * 1024 * 1024;

function each(reshape: Reshape, environment: StageContext): Stage {
  return function* (documents) {
    for (const document of documents)
      yield document === pause ? pause : reshape(document, environment.scope(document));
  };
}

function count(name: string, value: Raw, least: number): number {
  const number = value.isNumber() ? numberOf(value) : Number.NaN;
  if (!Number.isInteger(number) || number < least)
    throw new StoreError(
      15957,
      `the ${name} must be ${least === 0 ? "non-negative" : "positive"} and an integer`,
    );
  return number;
}

function sortStage(spec: Raw): Stage {
  const sort = parseSort(spec);
  if (sort.length === 0 && spec.type === Type.object && fields(spec).length === 0)
    throw new StoreError(15976, "$sort stage must have at least one sort key");
  const directions = sort.map((field) => field.descending);
  return function* (documents) {
    const sorter = new Sorter<{ key: Buffer; document: Raw }>(
      byKey,
      Number.POSITIVE_INFINITY,
      (row) => row.key.length + row.document.end - row.document.start,
    );
    for (const document of documents) {
      if (document === pause) {
        yield pause;
        continue;
      }
      const key = encodeCompound(
        sort.map(({ path, descending }) => sortKey(document, path, descending)),
        directions,
      );
      sorter.add({ key, document });
      if (sorter.bytes > sortMemory)
        throw new StoreError(
          292,
          "Sort exceeded memory limit of 104857600 bytes, but did not opt in to external sorting.",
        );
    }
    for (let row = sorter.next(); row !== undefined; row = sorter.next()) yield row.document;
  };
}

function* skipFirst(documents: Stream, n: number): Stream {
  let left = n;
  for (const document of documents) if (document === pause || left-- <= 0) yield document;
}

function* takeFirst(documents: Stream, n: number): Stream {
  let left = n;
  if (left <= 0) return;
  for (const document of documents) {
    yield document;
    if (document !== pause && --left <= 0) return;
  }
}

function projectStage(spec: Raw, environment: StageContext): Stage {
  if (spec.type !== Type.object) throw new StoreError(15969, "$project specification must be an object");
  const projection = compileProjection(spec, environment.tests, environment.values);
  if (projection === undefined)
    throw new StoreError(
      51272,
      "Invalid $project :: caused by :: projection specification must have at least one field",
    );
  return function* (documents) {
    for (const document of documents)
      yield document === pause ? pause : projection(document, { score: environment.scores?.get(document) });
  };
}

/** All documents of a stream. It passes pauses on. */
function* collect(documents: Stream): Generator<Pause, Raw[]> {
  const all: Raw[] = [];
  for (const document of documents) {
    if (document === pause) yield pause;
    else all.push(document);
  }
  return all;
}

const notInFacet = new Set(["$facet", "$collStats", "$indexStats", "$documents", "$out", "$merge"]);

function facetStage(spec: Raw, environment: StageContext): Stage {
  if (spec.type !== Type.object || fields(spec).length === 0)
    throw new StoreError(40169, "the $facet specification must be a non-empty object");
  const facets = fields(spec).map(([name, pipeline]) => {
    if (pipeline.type !== Type.array)
      throw new StoreError(40170, `arguments to $facet must be arrays, ${name} is not`);
    const inner = items(pipeline);
    for (const stage of inner) {
      const first = stage.type === Type.object ? fields(stage)[0]?.[0] : undefined;
      if (first !== undefined && notInFacet.has(first))
        throw new StoreError(40600, `${first} is not allowed to be used within a $facet stage`);
    }
    return [name, environment.compile(inner)] as const;
  });
  return function* (documents) {
    const all = yield* collect(documents);
    const parts: [string, Raw][] = [];
    for (const [name, run] of facets) parts.push([name, arrayRaw(yield* collect(run(all)))]);
    yield objectOf(parts);
  };
}

function sampleStage(spec: Raw): Stage {
  const size = count(
    "size argument to $sample",
    required(
      "$sample",
      stageOptions(
        "$sample",
        spec,
        ["size"],
        (name) => new StoreError(28748, `unrecognized option to $sample: ${name}`),
      ),
      "size",
    ),
    0,
  );
  return function* (documents) {
    const kept: Raw[] = [];
    let seen = 0;
    for (const document of documents) {
      if (document === pause) {
        yield pause;
        continue;
      }
      seen++;
      if (kept.length < size) kept.push(document);
      else {
        const at = Math.floor(Math.random() * seen);
        if (at < size) kept[at] = document;
      }
    }
    yield* kept;
  };
}

function bucketStage(spec: Raw, environment: StageContext): Stage {
  const found = stageOptions(
    "$bucket",
    spec,
    ["groupBy", "boundaries", "default", "output"],
    (name) => new StoreError(40197, `Unrecognized option to $bucket: ${name}.`),
  );
  const by = compileExpression(required("$bucket", found, "groupBy"), environment.names);
  const list = required("$bucket", found, "boundaries");
  if (list.type !== Type.array)
    throw new StoreError(
      40200,
      `The $bucket 'boundaries' field must be an array, but found type: ${typeName(list.type)}.`,
    );
  const boundaries = items(list);
  for (let i = 1; i < boundaries.length; i++) {
    if (compareValues(boundaries[i - 1] as Raw, boundaries[i] as Raw) >= 0)
      throw new StoreError(40194, "The 'boundaries' option to $bucket must be sorted");
  }
  if (boundaries.length < 2)
    throw new StoreError(40192, "The $bucket 'boundaries' field must have at least 2 values");
  const otherwise = found.get("default");
  const writer = new Writer();
  const mark = writer.open();
  writer.js("_id", null);
  const output = found.get("output");
  if (output === undefined) writer.js("count", { $sum: 1 });
  else for (const [name, value] of fields(output)) writer.raw(name, value);
  writer.close(mark);
  const bucketOf = (scope: Scope): Raw => {
    const value = by(scope) ?? nullRaw;
    for (let i = boundaries.length - 1; i >= 0; i--) {
      const order = compareValues(value, boundaries[i] as Raw);
      if (order < 0) continue;
      if (i === boundaries.length - 1) break;
      return boundaries[i] as Raw;
    }
    if (otherwise === undefined)
      throw new StoreError(40066, "$bucket: the document falls into no bucket, and no default was specified");
    return otherwise;
  };
  const group = compileGroup(rawDocument(writer.take()), environment.names);
  return function* (documents) {
    const buckets = new Map<Raw, Raw[]>();
    for (const document of documents) {
      if (document === pause) {
        yield pause;
        continue;
      }
      const bucket = bucketOf(environment.scope(document));
      const list = buckets.get(bucket);
      if (list === undefined) buckets.set(bucket, [document]);
      else list.push(document);
    }
    for (const [bucket, members] of [...buckets].sort(([a], [b]) => compareValues(a, b))) {
      for (const made of group(members, environment.scope)) {
        if (made === pause) yield pause;
        else yield objectOf([["_id", bucket], ...fields(made).filter(([name]) => name !== "_id")]);
      }
    }
  };
}

function sortByCount(spec: Raw, environment: StageContext): Stage {
  const group = compileGroup(
    objectOf([
      ["_id", spec],
      ["count", objectOf([["$sum", intRaw(1)]])],
    ]),
    environment.names,
  );
  if (spec.type === Type.string ? !stringValue(spec).startsWith("$") : spec.type !== Type.object)
    throw new StoreError(
      40148,
      "the sortByCount field must be defined as a $-prefixed path or an expression object",
    );
  const sort = sortStage(objectOf([["count", intRaw(-1)]]));
  return (documents) => sort(group(documents, environment.scope));
}

function lookupStage(spec: Raw, environment: StageContext): Stage {
  const found = stageOptions(
    "$lookup",
    spec,
    ["from", "localField", "foreignField", "let", "pipeline", "as"],
    (name) => failedToParse(`unknown argument to $lookup: ${name}`),
  );
  const from = required("$lookup", found, "from");
  const as = required("$lookup", found, "as");
  for (const option of ["localField", "foreignField"]) {
    const value = found.get(option);
    if (value !== undefined && value.type !== Type.string)
      throw failedToParse(`$lookup argument '${option}' must be a string, found ${typeName(value.type)}`);
  }
  const letDocument = found.get("let");
  if (letDocument !== undefined && letDocument.type !== Type.object)
    throw failedToParse("$lookup argument 'let' must be an object");
  if (found.get("pipeline") !== undefined && found.get("pipeline")?.type !== Type.array)
    throw new StoreError(14, "'pipeline' option must be specified as an array");
  if (from.type !== Type.string || as.type !== Type.string)
    throw new StoreError(9, "$lookup 'from' and 'as' must be strings");
  const local = found.get("localField");
  const foreign = found.get("foreignField");
  const pipeline = found.get("pipeline");
  if ((local === undefined) !== (foreign === undefined) || (local === undefined && pipeline === undefined)) {
    throw new StoreError(
      9,
      "$lookup requires both or neither of 'localField' and 'foreignField' to be specified, or a pipeline",
    );
  }
  const localPath = local && parsePath(stringValue(local)).parts;
  const vars = (found.get("let") ? fields(found.get("let") as Raw) : []).map(
    ([name, value]) => [name, compileExpression(value, environment.names)] as const,
  );
  const path = stringValue(as);
  return function* (documents) {
    for (const document of documents) {
      if (document === pause) {
        yield pause;
        continue;
      }
      const scope = environment.scope(document);
      const filter = localPath && foreign ? joinFilter(document, localPath, stringValue(foreign)) : undefined;
      const inner = environment.within(vars.map(([name, value]) => [name, value(scope)]));
      const stages = [
        ...(filter ? [objectOf([["$match", filter]])] : []),
        ...(pipeline ? items(pipeline) : []),
      ];
      const joined = arrayRaw(yield* collect(inner.from(stringValue(from), stages)));
      const set = compileAddFields(
        "$lookup",
        objectOf([[path, objectOf([["$literal", joined]])]]),
        environment.names,
      );
      yield set(document, scope);
    }
  };
}

/** Documents whose foreign field has any of the local values. A missing value counts as null. */
function joinFilter(document: Raw, path: ReturnType<typeof parsePath>["parts"], foreign: string): Raw {
  const values = new Map<string, Raw>();
  eachValue(document, path, 0, (value) => {
    const local = value === undefined || value.type === Type.undefined ? nullRaw : value;
    values.set(groupKey(local), local);
  });
  return objectOf([[foreign, objectOf([["$in", arrayRaw([...values.values()])]])]]);
}

function unionStage(spec: Raw, environment: StageContext): Stage {
  const found =
    spec.type === Type.string
      ? new Map([["coll", spec]])
      : stageOptions("$unionWith", spec, ["coll", "pipeline"]);
  const from = required("$unionWith", found, "coll");
  const pipeline = found.get("pipeline");
  if (from.type !== Type.string || (pipeline !== undefined && pipeline.type !== Type.array))
    throw new StoreError(14, "$unionWith needs a string 'coll' and an array 'pipeline'");
  return function* (documents) {
    yield* documents;
    yield* environment.from(stringValue(from), pipeline ? items(pipeline) : []);
  };
}

const stages: Record<string, StageCompiler> = {
  $match: (spec, environment) => {
    if (spec.type !== Type.object)
      throw new StoreError(15959, "the match filter must be an expression in an object");
    const filter = parseMatch(spec);
    const matches = compileFilter(filter, environment.tests);
    return function* (documents) {
      for (const document of documents) if (document === pause || matches(document)) yield document;
    };
  },
  $project: projectStage,
  $addFields: (spec, environment) =>
    each(compileAddFields("$addFields", spec, environment.names), environment),
  $set: (spec, environment) => each(compileAddFields("$set", spec, environment.names), environment),
  $unset: (spec, environment) => each(compileUnset(spec), environment),
  $replaceRoot: (spec, environment) => {
    const root = required("$replaceRoot", stageOptions("$replaceRoot", spec, ["newRoot"]), "newRoot");
    return each(compileReplaceRoot(root, environment.names), environment);
  },
  $replaceWith: (spec, environment) => each(compileReplaceRoot(spec, environment.names), environment),
  $unwind: (spec) => {
    const unwind = compileUnwind(spec);
    return function* (documents) {
      for (const document of documents) {
        if (document === pause) yield pause;
        else yield* unwind(document);
      }
    };
  },
  $group: (spec, environment) => {
    const group = compileGroup(spec, environment.names);
    return (documents) => group(documents, environment.scope);
  },
  $sort: (spec) => {
    if (spec.type === Type.object && fields(spec).some(([, value]) => value.type === Type.object))
      throw new StoreError(238, "$sort by a text score is supported by this store before other stages only");
    return sortStage(spec);
  },
  $limit: (spec) => {
    const n = count("limit", spec, 1);
    return (documents) => takeFirst(documents, n);
  },
  $skip: (spec) => {
    const n = count("skip", spec, 0);
    return (documents) => skipFirst(documents, n);
  },
  $count: (spec) => {
    if (spec.type !== Type.string || stringValue(spec) === "" || /[.$\0]/.test(stringValue(spec)))
      throw new StoreError(40156, "the count field must be a non-empty string without '.' or '$'");
    const name = stringValue(spec);
    return function* (documents) {
      let n = 0;
      for (const document of documents) {
        if (document === pause) yield pause;
        else n++;
      }
      if (n > 0) yield objectOf([[name, intRaw(n)]]);
    };
  },
  $facet: facetStage,
  $sample: (spec) => sampleStage(spec),
  $bucket: bucketStage,
  $sortByCount: sortByCount,
  $lookup: lookupStage,
  $unionWith: unionStage,
};

const unsupported = new Set([
  "$bucketAuto",
  "$densify",
  "$fill",
  "$geoNear",
  "$graphLookup",
  "$merge",
  "$out",
  "$planCacheStats",
  "$redact",
  "$search",
  "$setWindowFields",
  "$listSessions",
  "$listLocalSessions",
  "$currentOp",
]);

/** Compiles one stage document. */
export function compileStage(stage: Raw, environment: StageContext): Stage {
  const parts = stage.type === Type.object ? fields(stage) : [];
  const [name, spec] = parts[0] ?? [];
  if (name === undefined || spec === undefined || parts.length !== 1) {
    throw new StoreError(40323, "A pipeline stage specification object must contain exactly one field.");
  }
  const compiler = stages[name];
  if (compiler !== undefined) return compiler(spec, environment);
  if (name === "$changeStream")
    throw new StoreError(40573, "The $changeStream stage is not supported by this store");
  if (unsupported.has(name)) throw new StoreError(238, `${name} is not supported by this store`);
  throw new StoreError(40324, `Unrecognized pipeline stage name: '${name}'`);
}
