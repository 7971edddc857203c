import assert from "node:assert/strict";
import { Decimal128, type Document, Long } from "bson";
import type { Store } from "../../src/store.ts";
import { command, memoryStore, rows } from "../support/run-command.ts";

describe("update operators", () => {
  let store: Store;
  beforeEach(() => {
    store = memoryStore(() => 1000);
  });
  afterEach(() => store.close());

  /** The document after an update, and the reported number of changes. */
  function changed(document: Document, u: Document, statement: Document = {}): Document {
    command(store, { delete: "c", deletes: [{ q: {}, limit: 0 }] });
    command(store, { insert: "c", documents: [{ _id: 1, ...document }] });
    const reply = command(store, { update: "c", updates: [{ q: { _id: 1 }, u, ...statement }] });
    assert.equal(reply.writeErrors, undefined, JSON.stringify(reply.writeErrors));
    const [{ _id, ...rest }] = rows(store, { find: "c" }) as [Document];
    return { ...rest, n: reply.nModified };
  }

  const cases: [string, Document, Document, Document][] = [
    [
      "pushes with position, sort and slice",
      { a: [3, 1] },
      { $push: { a: { $each: [2, 9], $position: 0, $sort: -1, $slice: 3 } } },
      { a: [9, 3, 2], n: 1 },
    ],
    [
      "sorts documents in place",
      { a: [{ b: 2 }, { b: 1 }] },
      { $push: { a: { $each: [], $sort: { b: 1 } } } },
      { a: [{ b: 1 }, { b: 2 }], n: 1 },
    ],
    [
      "keeps the last elements",
      { a: [1, 2, 3] },
      { $push: { a: { $each: [4], $slice: -2 } } },
      { a: [3, 4], n: 1 },
    ],
    [
      "adds to a set only what is new",
      { a: [1, 1] },
      { $addToSet: { a: { $each: [1, 2, 2] } } },
      { a: [1, 1, 2], n: 1 },
    ],
    [
      "pulls embedded documents by a condition",
      { a: [{ id: "x" }, { id: "y" }] },
      { $pull: { a: { id: { $in: ["x", "z"] } } } },
      { a: [{ id: "y" }], n: 1 },
    ],
    ["pulls all of some values", { a: [1, 2, 1] }, { $pullAll: { a: [1] } }, { a: [2], n: 1 }],
    ["pops the first", { a: [1, 2] }, { $pop: { a: -1 } }, { a: [2], n: 1 }],
    [
      "renames into a new place",
      { a: { b: 1 } },
      { $rename: { "a.b": "c.d" } },
      { a: {}, c: { d: 1 }, n: 1 },
    ],
    ["sets past the end of an array", { a: [1] }, { $set: { "a.2": 3 } }, { a: [1, null, 3], n: 1 }],
    ["unsets an array element to null", { a: [1, 2] }, { $unset: { "a.0": "" } }, { a: [null, 2], n: 1 }],
    ["multiplies what is missing to zero", {}, { $mul: { a: 2 } }, { a: 0, n: 1 }],
    ["works on bits", { a: 6 }, { $bit: { a: { and: 3, or: 8 } } }, { a: 10, n: 1 }],
    ["tells the time of the store", {}, { $currentDate: { a: true } }, { a: new Date(1000), n: 1 }],
    [
      "counts nothing for the same value",
      { a: 1 },
      { $set: { a: 1 }, $max: { b: 1 }, $unset: { c: 1 } },
      { a: 1, b: 1, n: 1 },
    ],
    [
      "changes nothing",
      { a: 1, b: 1 },
      { $set: { a: 1 }, $min: { b: 5 }, $pull: { none: 1 } },
      { a: 1, b: 1, n: 0 },
    ],
  ];
  for (const [name, document, change, expected] of cases) {
    it(name, () => {
      assert.deepEqual(changed(document, change), expected);
    });
  }

  it("keeps numeric types and refuses a 64-bit overflow", () => {
    assert.equal(changed({ a: 2147483647 }, { $inc: { a: 1 } }).a, 2147483648);
    assert.equal(
      String(changed({ a: Decimal128.fromString("0.1") }, { $inc: { a: Decimal128.fromString("0.2") } }).a),
      "0.3",
    );
    command(store, { insert: "c", documents: [{ _id: 2, a: Long.MAX_VALUE }] });
    const reply = command(store, { update: "c", updates: [{ q: { _id: 2 }, u: { $inc: { a: 1 } } }] });
    assert.equal(reply.writeErrors[0].code, 2);
  });

  it("builds an upsert from the filter's equalities, and $setOnInsert", () => {
    const q = { _id: 5, "a.b": 3, c: { $gt: 1 }, $or: [{ z: 1 }], d: { $in: [4] } };
    const reply = command(store, {
      update: "c",
      updates: [{ q, u: { $set: { e: 1 }, $setOnInsert: { f: 2 } }, upsert: true }],
    });
    assert.deepEqual(reply.upserted, [{ index: 0, _id: 5 }]);
    assert.deepEqual(rows(store, { find: "c" }), [{ _id: 5, a: { b: 3 }, z: 1, d: 4, e: 1, f: 2 }]);
  });

  it("counts nothing of a statement that fails half way", () => {
    const documents = [
      { _id: 1, a: 1 },
      { _id: 2, a: "text" },
    ];
    command(store, { insert: "c", documents });
    const reply = command(store, {
      update: "c",
      updates: [
        { q: { _id: 2 }, u: { $set: { b: 1 } } },
        { q: {}, u: { $inc: { a: 1 } }, multi: true },
      ],
    });
    assert.equal(reply.writeErrors[0].index, 1);
    assert.deepEqual([reply.n, reply.nModified], [1, 1]);
    assert.deepEqual(rows(store, { find: "c" }), [
      { _id: 1, a: 1 },
      { _id: 2, a: "text", b: 1 },
    ]);
  });

  it("adds number-like field names in the order of their numbers and keeps the order of the rest", () => {
    const document = { _id: 9, x: { b: 1, a: 2 }, y: 1 };
    command(store, { insert: "c", documents: [document] });
    command(store, {
      update: "c",
      updates: [{ q: { _id: 9 }, u: { $set: { "x.10": 1, "x.9": 2 }, $inc: { y: 1 } } }],
    });
    const [found] = rows(store, {
      aggregate: "c",
      cursor: {},
      pipeline: [{ $project: { keys: { $objectToArray: "$x" } } }],
    });
    assert.deepEqual(
      found?.keys.map((pair: Document) => pair.k),
      ["b", "a", "9", "10"],
    );
  });
});
