/** Random filters and updates over plain values agree with a model of a few lines of JavaScript. */
import assert from "node:assert/strict";
import { type Document, deserialize } from "bson";
import fc from "fast-check";
import { encode } from "../../src/bson/make.ts";

import { compileFilter } from "../../src/query/match.ts";
import { parseFilter } from "../../src/query/parse.ts";
import { applyOperations } from "../../src/update/apply.ts";
import { parseUpdate } from "../../src/update/parse.ts";

const small = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom("a", "b", "abc"));
const numbers = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const document = fc.record(
  {
    n: fc.integer({ min: 0, max: 5 }),
    s: fc.constantFrom("a", "b", "abc"),
    list: numbers,
    deep: fc.record({ n: fc.integer({ min: 0, max: 5 }), list: numbers }),
  },
  { requiredKeys: [] },
);

const test = fc.oneof(
  small,
  fc.record({ $gt: small }),
  fc.record({ $lte: small }),
  fc.record({ $in: fc.array(small, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $ne: small }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $regex: fc.constantFrom("^a", "c$") }),
);
const clause = fc
  .tuple(fc.constantFrom("n", "s", "list", "deep.n", "deep.list"), test)
  .map(([name, value]): Document => ({ [name]: value }));
const filter = fc.oneof(
  fc.array(clause, { maxLength: 3 }).map((clauses): Document => Object.assign({}, ...clauses)),
  fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses): Document => ({ $or: clauses })),
  fc.array(clause, { minLength: 1, maxLength: 2 }).map((clauses): Document => ({ $nor: clauses })),
);

const context = { inserting: false, now: 0, position: () => undefined };
const empty = new Map();

const number = fc.integer({ min: -3, max: 9 });
const operation = fc.oneof(
  fc.tuple(fc.constantFrom("s", "made.here"), small).map(([path, value]) => ({ $set: { [path]: value } })),
  fc.tuple(fc.constantFrom("n", "deep.n"), number).map(([path, value]) => ({ $set: { [path]: value } })),
  fc.constantFrom("n", "s", "deep.n", "deep", "none.such").map((path) => ({ $unset: { [path]: "" } })),
  fc
    .tuple(fc.constantFrom("n", "deep.n", "count"), number)
    .map(([path, value]) => ({ $inc: { [path]: value } })),
  fc.tuple(fc.constantFrom("n", "deep.n"), number).map(([path, value]) => ({ $max: { [path]: value } })),
  fc.tuple(fc.constantFrom("n", "deep.n"), number).map(([path, value]) => ({ $min: { [path]: value } })),
  fc
    .tuple(fc.constantFrom("list", "deep.list", "fresh"), numbers)
    .map(([path, $each]) => ({ $push: { [path]: { $each } } })),
  fc
    .tuple(fc.constantFrom("list", "deep.list"), number)
    .map(([path, value]) => ({ $pull: { [path]: value } })),
  fc
    .tuple(fc.constantFrom("list", "deep.list"), number)
    .map(([path, value]) => ({ $pull: { [path]: { $gt: value } } })),
);

/** The value at a path, through documents. */
const at = (doc: Document, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => (value as Document | undefined)?.[name], doc);

/** Numbers before texts. Values of different kinds have no order. */
function compared(value: unknown, bound: unknown): number | undefined {
  if (typeof value !== typeof bound) return undefined;
  return (value as number) < (bound as number) ? -1 : value === bound ? 0 : 1;
}

/** The model's result for one test of a field. Of an array, one element is enough. */
function meets(doc: Document, path: string, wanted: unknown): boolean {
  const value = at(doc, path);
  const candidates = Array.isArray(value) ? value : [value];
  const some = (test: (it: unknown) => boolean): boolean =>
    candidates.some((it) => it !== undefined && test(it));
  if (typeof wanted !== "object" || wanted === null) return some((it) => it === wanted);
  const [[operator, operand]] = Object.entries(wanted) as [[string, unknown]];
  switch (operator) {
    case "$gt":
      return some((it) => (compared(it, operand) ?? -1) > 0);
    case "$lte":
      return some((it) => (compared(it, operand) ?? 1) <= 0);
    case "$in":
      return some((it) => (operand as unknown[]).includes(it));
    case "$ne":
      return !some((it) => it === operand);
    case "$exists":
      return (value !== undefined) === operand;
    default:
      return some((it) => typeof it === "string" && new RegExp(operand as string).test(it));
  }
}

function modelMatches(query: Document, doc: Document): boolean {
  return Object.entries(query).every(([name, wanted]) => {
    if (name === "$or") return wanted.some((part: Document) => modelMatches(part, doc));
    if (name === "$nor") return !wanted.some((part: Document) => modelMatches(part, doc));
    return meets(doc, name, wanted);
  });
}

/** The model's result for a document. Its operations name one field each. */
function modelUpdate(doc: Document, change: Document): void {
  const [[operator, operand]] = Object.entries(change) as [[string, Document]];
  const [[path, value]] = Object.entries(operand) as [[string, unknown]];
  const names = path.split(".");
  const last = names.pop() as string;
  let place = doc;
  for (const name of names) {
    if (place[name] === undefined) {
      if (operator === "$unset" || operator === "$pull") return;
      place[name] = {};
    }
    place = place[name];
  }
  const old = place[last];
  const put = (next: unknown) => {
    place[last] = next;
  };
  if (operator === "$set") put(value);
  else if (operator === "$unset") delete place[last];
  else if (operator === "$inc") put((old ?? 0) + (value as number));
  else if (operator === "$max") put(old === undefined || (value as number) > old ? value : old);
  else if (operator === "$min") put(old === undefined || (value as number) < old ? value : old);
  else if (operator === "$push") put([...(old ?? []), ...(value as { $each: number[] }).$each]);
  else if (old !== undefined) {
    const goes = (it: number): boolean =>
      typeof value === "object" ? it > (value as { $gt: number }).$gt : it === value;
    put(old.filter((it: number) => !goes(it)));
  }
}

describe("compared with a model", () => {
  it("filters pick the same documents", () => {
    fc.assert(
      fc.property(filter, fc.array(document, { minLength: 1, maxLength: 5 }), (query, docs) => {
        const matches = compileFilter(parseFilter(encode(query)));
        for (const doc of docs)
          assert.equal(matches(encode(doc)), modelMatches(query, doc), JSON.stringify({ query, doc }));
      }),
      { numRuns: 2000 },
    );
  });

  it("updates leave the same documents", () => {
    fc.assert(
      fc.property(document, fc.array(operation, { minLength: 1, maxLength: 4 }), (doc, operations) => {
        let stored = encode(doc);
        const reference: Document = structuredClone(doc);
        for (const change of operations) {
          const update = parseUpdate(encode(change), empty);
          if (update.kind !== "modify") throw new Error("an update of operators was expected");
          stored = applyOperations(stored, update, context);
          modelUpdate(reference, change);
          assert.deepEqual(deserialize(stored.bytes()), reference, JSON.stringify({ doc, change }));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
