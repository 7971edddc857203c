/** One statement of an `update` command, or the update of a `findAndModify`, on one collection. */
import { ObjectId } from "bson";
import { emptyDocument } from "../bson/make.ts";
import { fields, getField, type Raw, rawDocument, Type, typeName } from "../bson/raw.ts";
import { Tree } from "../bson/tree.ts";
import { Writer } from "../bson/writer.ts";
import { equalValues } from "../compare.ts";
import { StoreError } from "../errors.ts";
import { parsePath } from "../path.ts";
import type { Filter } from "../query/ast.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import { matchedPosition } from "../query/position.ts";
import { type Change, type Collection, checkSize, idName } from "../storage/collection.ts";
import type { Stored } from "../storage/stored.ts";
import { applyOperations } from "./apply.ts";
import type { Update } from "./parse.ts";

/** Evaluates a pipeline update. */
export type PipelineUpdater = (document: Raw, stages: readonly Raw[]) => Raw;

export interface Tools {
  readonly now: number;
  readonly expressions: ExpressionCompiler;
  readonly pipeline: PipelineUpdater;
}

/** The result of the update on a document. The same value when nothing changes. */
export function updated(document: Raw, update: Update, filter: () => Filter, tools: Tools): Raw {
  switch (update.kind) {
    case "replace":
      return replacement(document, update.document);
    case "pipeline":
      return keepId(document, tools.pipeline(document, update.stages));
    case "modify": {
      const position = (prefix: string) => matchedPosition(filter(), document, prefix, tools.expressions);
      const next = applyOperations(document, update, { inserting: false, now: tools.now, position });
      return next === document ? document : keepId(document, next);
    }
  }
}

function keepId(before: Raw, after: Raw): Raw {
  const old = getField(before, idName);
  const now = getField(after, idName);
  if (old !== undefined && (now === undefined || !equalValues(old, now))) {
    throw new StoreError(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
  }
  return after;
}

function replacement(before: Raw, after: Raw): Raw {
  const old = getField(before, idName) as Raw;
  const now = getField(after, idName);
  if (now !== undefined && !equalValues(old, now)) {
    throw new StoreError(
      66,
      "After applying the update, the (immutable) field '_id' was found to have been altered to _id",
    );
  }
  const next = withIdFirst(after, old);
  return next.end - next.start === before.end - before.start && next.bytes().equals(before.bytes())
    ? before
    : next;
}

const changes = new WeakMap<Update, Change>();
const anywhere: Change = { reach: undefined, fields: undefined };

/** Where an update may change a document. */
function changeOf(update: Update): Change {
  if (update.kind !== "modify") return anywhere;
  let change = changes.get(update);
  if (change === undefined) {
    const reach = update.operations.flatMap((it) => (it.op === "rename" ? [it.path, it.to] : [it.path]));
    change = { reach, fields: new Set(reach.map((path) => path.parts[0]?.text ?? "")) };
    changes.set(update, change);
  }
  return change;
}

/** Applies an update to a stored document. Returns whether it changed anything. */
export function updateStored(
  collection: Collection,
  stored: Stored,
  update: Update,
  filter: () => Filter,
  tools: Tools,
): boolean {
  const change = changeOf(update);
  const excerpt = collection.excerptOf(stored, change);
  const { document } = excerpt ?? stored;
  const next = updated(document, update, filter, tools);
  if (next === document) return false;
  if (excerpt) collection.replaceExcerpt(stored, excerpt, next, change);
  else collection.replace(stored, next, change);
  return true;
}

/** The document that an upsert inserts when nothing matched. */
export function upsertDocument(update: Update, filter: Filter, tools: Tools): Raw {
  const wanted = equalities(filter);
  const base = new Tree(emptyDocument);
  if (update.kind === "replace") {
    const id = getField(update.document, idName) ?? wanted.get("_id");
    return prepareInsert(update.document, id);
  }
  for (const [path, value] of wanted) putNew(base, path, value);
  const start = base.toRaw();
  const made =
    update.kind === "pipeline"
      ? tools.pipeline(start, update.stages)
      : applyOperations(start, update, { inserting: true, now: tools.now, position: () => undefined });
  const id = wanted.get("_id");
  const now = getField(made, idName);
  if (id !== undefined && (now === undefined || !equalValues(id, now))) {
    throw new StoreError(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
  }
  return prepareInsert(made, now);
}

function putNew(base: Tree, path: string, value: Raw): void {
  let tree = base;
  const { parts } = parsePath(path);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (part === undefined) return;
    const item = tree.find(part);
    if (i === parts.length - 1) {
      if (item !== undefined)
        throw new StoreError(54, `cannot infer query fields to set, path '${path}' is matched twice`);
      tree.append(part.bytes, value);
      return;
    }
    if (item !== undefined && !item.isContainer())
      throw new StoreError(
        54,
        `cannot infer query fields to set, both paths '${path}' and a prefix are matched`,
      );
    tree = (item ?? tree.append(part.bytes, emptyDocument)).open();
  }
}

/** Fields for which the filter demands one value. An upsert starts from them. */
function equalities(filter: Filter, found = new Map<string, Raw>()): Map<string, Raw> {
  if (filter.kind === "and") for (const part of filter.filters) equalities(part, found);
  else if (filter.kind === "or" && filter.filters.length === 1)
    equalities(filter.filters[0] as Filter, found);
  else if (filter.kind === "field") {
    const { test, path } = filter;
    if (test.op === "eq") addEquality(found, path.text, test.value);
    else if (test.op === "in" && test.values.length === 1 && test.patterns.length === 0)
      addEquality(found, path.text, test.values[0] as Raw);
    else if (test.op === "all" && test.tests.length === 1 && test.tests[0]?.op === "eq")
      addEquality(found, path.text, test.tests[0].value);
  }
  return found;
}

function addEquality(found: Map<string, Raw>, path: string, value: Raw): void {
  if (found.has(path))
    throw new StoreError(54, `cannot infer query fields to set, path '${path}' is matched twice`);
  found.set(path, value);
}

/** A document ready to be stored: `_id` present, of an allowed type, and first. */
export function prepareInsert(document: Raw, id = getField(document, idName)): Raw {
  if (id !== undefined) checkId(id);
  checkSize(document.end - document.start);
  return withIdFirst(document, id);
}

function checkId(id: Raw): void {
  if (id.type === Type.array || id.type === Type.regex || id.type === Type.undefined) {
    throw new StoreError(53, `The '_id' value cannot be of type ${typeName(id.type)}`);
  }
  if (id.type !== Type.object) return;
  const names = fields(id).map(([name]) => name);
  // The fields of a DBRef are the only ones with a dollar that may be stored there.
  const wrong = names.find((name) => name.startsWith("$") && names[0] !== "$ref");
  if (wrong !== undefined)
    throw new StoreError(
      52,
      `_id fields may not contain '$'-prefixed fields: ${wrong} is not valid for storage.`,
    );
}

const idHeader = Buffer.from([0x5f, 0x69, 0x64, 0]);

function withIdFirst(document: Raw, id: Raw | undefined): Raw {
  const { buf, start } = document;
  const first = document.end - start >= 10 && buf.compare(idHeader, 0, 4, start + 5, start + 9) === 0;
  if (first && id !== undefined && document.buf === id.buf) return document;
  if (first && id === undefined) return document;
  const writer = new Writer(document.end - start + 32);
  const mark = writer.open();
  const made = id ?? rawObjectId();
  writer.raw("_id", made);
  const tree = new Tree(document);
  for (const item of tree.items) {
    const isId = item.nameEnd - item.nameStart === 3 && item.name() === "_id";
    if (!isId) writer.copy(item.buf, item.from, item.end);
  }
  writer.close(mark);
  return rawDocument(writer.buf);
}

function rawObjectId(): Raw {
  const id = new ObjectId();
  const wrapped = new Writer(32);
  const mark = wrapped.open();
  wrapped.js("v", id);
  wrapped.close(mark);
  return getField(rawDocument(wrapped.buf), Buffer.from("v")) as Raw;
}
