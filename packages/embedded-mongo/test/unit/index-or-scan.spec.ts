import assert from "node:assert/strict";
import type { Document } from "bson";
import fc from "fast-check";
import type { Store } from "../../src/store.ts";
import { document, documents, filter, indexes, small, sort } from "../support/queries.ts";
import { allRows, command, memoryStore, rows } from "../support/run-command.ts";

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
