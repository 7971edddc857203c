import assert from "node:assert/strict";
import type { Document } from "bson";
import fc from "fast-check";
import type { Store } from "../../src/store.ts";
import { allRows, command, memoryStore, rows } from "../support/run-command.ts";

const small = fc.oneof(
  fc.integer({ min: -2, max: 4 }),
  fc.constantFrom("a", "ab", "b", null, true),
  fc.constantFrom(1.5, 2.5),
);
const fieldValue = fc.oneof(
  { arbitrary: small, weight: 6 },
  { arbitrary: fc.array(small, { maxLength: 3 }), weight: 2 },
  { arbitrary: fc.record({ x: small }, { requiredKeys: [] }), weight: 1 },
  {
    arbitrary: fc.array(fc.record({ x: small, y: small }, { requiredKeys: [] }), { maxLength: 3 }),
    weight: 1,
  },
);
const document = fc.record({ a: fieldValue, b: fieldValue, c: small }, { requiredKeys: [] });
const documents = fc.array(document, { minLength: 1, maxLength: 25 });

const path = fc.constantFrom("a", "b", "c", "a.x", "a.y", "b.x");
const specs: Document[] = [
  { key: { a: 1 } },
  { key: { a: -1 } },
  { key: { c: 1, a: 1 } },
  { key: { c: -1, b: 1 } },
  { key: { "a.x": 1 } },
  { key: { "a.x": 1, "a.y": -1 } },
  { key: { a: 1 }, sparse: true },
  { key: { b: 1, c: -1 }, sparse: true },
  { key: { a: 1 }, partialFilterExpression: { c: { $gt: 0 } } },
  { key: { c: 1 }, partialFilterExpression: { c: { $exists: true } } },
  { key: { b: 1 }, partialFilterExpression: { b: { $type: "number" } } },
].map((spec, i) => ({ name: `i${i}`, ...spec }));
const indexes = fc.uniqueArray(fc.constantFrom(...specs), { maxLength: 4, selector: (spec) => spec.name });

const test = fc.oneof(
  small,
  fc.record({ $gt: small }),
  fc.record({ $gte: small, $lt: small }),
  fc.record({ $lte: small }),
  fc.record({ $in: fc.array(small, { maxLength: 3 }) }),
  fc.record({ $ne: small }),
  fc.record({ $nin: fc.array(small, { maxLength: 2 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $type: fc.constantFrom("number", "string", "null", "array", "bool") }),
  fc.record({ $size: fc.nat(2) }),
  fc.record({ $all: fc.array(small, { minLength: 1, maxLength: 2 }) }),
  fc.record({ $elemMatch: fc.record({ $gt: small, $lt: small }) }),
  fc.record({ $elemMatch: fc.record({ x: small, y: fc.record({ $gt: small }) }, { requiredKeys: [] }) }),
  fc.record({ $not: fc.record({ $gt: small }) }),
  fc.record({ $regex: fc.constantFrom("^a", "b$", "^ab") }),
  fc.array(small, { maxLength: 2 }),
);
const clause = fc.tuple(path, test).map(([name, value]): Document => ({ [name]: value }));
const filter = fc.oneof(
  fc.array(clause, { maxLength: 3 }).map((clauses): Document => Object.assign({}, ...clauses)),
  fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses): Document => ({ $and: clauses })),
  fc
    .tuple(fc.array(clause, { minLength: 1, maxLength: 3 }), fc.array(clause, { maxLength: 1 }))
    .map(([branches, more]): Document => Object.assign({ $or: branches }, ...more)),
);
const sort = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "a.x"), fc.constantFrom(1, -1)), {
    maxLength: 2,
    selector: ([name]) => name,
  })
  .map((fields): Document => Object.fromEntries(fields));

function ids(found: Document[]): unknown[] {
  return found.map((row) => row._id);
}

describe("a query through indexes", () => {
  let store: Store;
  beforeEach(() => {
    store = memoryStore();
  });
  afterEach(() => store.close());

  it("finds what a full scan finds, in the same order", function () {
    this.timeout(60_000);
    let run = 0;
    fc.assert(
      fc.property(
        documents,
        indexes,
        fc.array(fc.tuple(filter, sort, fc.nat(5), fc.nat(2)), { minLength: 8, maxLength: 8 }),
        (docs, chosen, queries) => {
          const name = `c${run++}`;
          command(store, { create: name });
          for (const spec of chosen) {
            const made = command(store, { createIndexes: name, indexes: [spec] });
            assert.equal(made.ok === 1 || made.code === 85, true, made.errmsg);
          }
          docs.forEach((doc, _id) => {
            const reply = command(store, { insert: name, documents: [{ _id, ...doc }] });
            assert.equal(reply.writeErrors?.[0]?.code ?? 171, 171, JSON.stringify(reply.writeErrors));
          });
          for (const [query, order, limit, skip] of queries) {
            const withId = { ...order, _id: 1 };
            const base = { find: name, filter: query, batchSize: 1000 };
            assert.deepEqual(
              new Set(ids(rows(store, base))),
              new Set(ids(rows(store, { ...base, hint: { $natural: 1 } }))),
              JSON.stringify(query),
            );
            const sorted = { ...base, sort: withId, limit, skip };
            assert.deepEqual(
              ids(rows(store, sorted)),
              ids(rows(store, { ...sorted, hint: { $natural: 1 } })),
              JSON.stringify({ query, withId }),
            );
          }
          command(store, { drop: name });
        },
      ),
      { numRuns: 250 },
    );
  });

  it("finds by lists of _id what a full scan finds, up and down, some at a time", () => {
    let run = 0;
    const id = fc.oneof(small, fc.record({ x: small }));
    fc.assert(
      fc.property(
        fc.uniqueArray(id, { minLength: 1, maxLength: 12, selector: (it) => JSON.stringify(it) }),
        fc.array(fc.oneof(id, fc.constant(/^a/)), { maxLength: 8 }),
        fc.constantFrom(1, -1),
        fc.integer({ min: 1, max: 4 }),
        (stored, wanted, direction, batchSize) => {
          const name = `c${run++}`;
          command(store, { insert: name, documents: stored.map((_id) => ({ _id })) });
          for (const _id of [{ $in: wanted }, { $in: wanted, $gte: 1 }]) {
            const base = { find: name, filter: { _id }, sort: { _id: direction }, batchSize };
            assert.deepEqual(
              ids(allRows(store, base)),
              ids(allRows(store, { ...base, hint: { $natural: 1 } })),
              JSON.stringify({ stored, _id }),
            );
          }
          command(store, { drop: name });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("still does after updates and deletes moved the keys", () => {
    let run = 0;
    fc.assert(
      fc.property(
        documents,
        indexes,
        fc.array(fc.tuple(fc.nat(24), document, filter), { maxLength: 8 }),
        (docs, chosen, changes) => {
          const name = `u${run++}`;
          command(store, {
            insert: name,
            documents: docs.map((doc, _id) => ({ _id, ...doc })),
            ordered: false,
          });
          for (const spec of chosen) command(store, { createIndexes: name, indexes: [spec] });
          changes.forEach(([_id, doc, query], i) => {
            if (i % 3 === 0) command(store, { delete: name, deletes: [{ q: { _id }, limit: 1 }] });
            else if (i % 3 === 1)
              command(store, { update: name, updates: [{ q: { _id }, u: { _id, ...doc } }] });
            else
              command(store, { update: name, updates: [{ q: { _id }, u: { $set: doc, $unset: { b: 1 } } }] });
            const base = { find: name, filter: query, batchSize: 1000 };
            assert.deepEqual(
              new Set(ids(rows(store, base))),
              new Set(ids(rows(store, { ...base, hint: { $natural: 1 } }))),
            );
          });
          command(store, { drop: name });
        },
      ),
      { numRuns: 200 },
    );
  });
});
