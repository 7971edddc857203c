/** Where mingo is right it is a second opinion: random filters and updates over plain values must agree with it. */
import assert from "node:assert/strict";
import { type Document, deserialize } from "bson";
import fc from "fast-check";
import { Query, updateOne } from "mingo";
import { encode } from "../../../embedded/mongo/bson/make.ts";

import { compileFilter } from "../../../embedded/mongo/query/match.ts";
import { parseFilter } from "../../../embedded/mongo/query/parse.ts";
import { applyOperations } from "../../../embedded/mongo/update/apply.ts";
import { parseUpdate } from "../../../embedded/mongo/update/parse.ts";

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

describe("compared with mingo", () => {
  it("filters pick the same documents", () => {
    fc.assert(
      fc.property(filter, fc.array(document, { minLength: 1, maxLength: 5 }), (query, docs) => {
        const matches = compileFilter(parseFilter(encode(query)));
        const reference = new Query(query);
        for (const doc of docs)
          assert.equal(matches(encode(doc)), reference.test(doc), JSON.stringify({ query, doc }));
      }),
      { numRuns: 2000 },
    );
  });

  it("updates leave the same documents", () => {
    fc.assert(
      fc.property(document, fc.array(operation, { minLength: 1, maxLength: 4 }), (doc, operations) => {
        let stored = encode(doc);
        let reference: Document = structuredClone(doc);
        for (const change of operations) {
          const update = parseUpdate(encode(change), empty);
          if (update.kind !== "modify") throw new Error("an update of operators was expected");
          stored = applyOperations(stored, update, context);
          const list = [reference];
          updateOne(list, {}, structuredClone(change) as Document);
          reference = list[0] as Document;
          assert.deepEqual(deserialize(stored.bytes()), reference, JSON.stringify({ doc, change }));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
