/** Reads make pauses, however they read. They give in many turns what they give in one. */
import assert from "node:assert/strict";
import type { Document } from "bson";
import fc from "fast-check";
import { defaultSizes } from "../../src/storage/sizes.ts";
import { Store } from "../../src/store.ts";
import { command, isLeft, memoryStore, slowly } from "../support/run-command.ts";

const rowsInAll = 3000;
/** Milliseconds of a turn in which a few documents are read. */
const shortTurn = 0.02;

/** The reply of a command that is given the shortest turns, and their number. */
function inTurns(store: Store, document: Document): { reply: Document; turns: number } {
  const slow = slowly(store, document, shortTurn);
  for (let turns = 1; ; turns++) {
    const reply = slow.turn();
    if (reply !== undefined) return { reply, turns };
  }
}

describe("a read of many documents", () => {
  let store: Store;
  before(() => {
    store = memoryStore();
    const documents = Array.from({ length: rowsInAll }, (_, _id) => ({
      _id,
      n: _id % 7,
      text: `common word${_id % 50}${_id % 3 === 0 ? " common" : ""}`,
    }));
    command(store, { insert: "rows", documents });
    command(store, { insert: "few", documents: [{ _id: 1, n: 1 }] });
    const created = command(store, {
      createIndexes: "rows",
      indexes: [{ key: { text: "text" }, name: "t" }],
    });
    assert.equal(created.ok, 1);
  });
  after(() => store.close());

  const all = { text: { $ne: "none" } };
  const pipeline = (collection: string, ...stages: Document[]) => ({
    aggregate: collection,
    pipeline: stages,
    cursor: { batchSize: rowsInAll },
  });
  const reads: [string, Document, number?][] = [
    ["a scan", { find: "rows", filter: { n: { $gt: 5 } }, batchSize: rowsInAll }],
    ["a sort", { find: "rows", sort: { n: -1, _id: 1 }, limit: 5 }],
    ["a count", { count: "rows", query: all }],
    ["distinct values", { distinct: "rows", key: "_id", query: all }],
    ["a search", { find: "rows", filter: { $text: { $search: "common" } }, limit: 5 }, 2],
    [
      "a search for two words",
      { find: "rows", filter: { $text: { $search: "word7 word9" } }, batchSize: rowsInAll },
    ],
    ["a $group", pipeline("rows", { $group: { _id: "$n", all: { $sum: 1 } } }, { $sort: { _id: 1 } })],
    ["a $sort stage", pipeline("rows", { $match: all }, { $set: { m: 1 } }, { $sort: { n: 1, _id: -1 } })],
    ["a $count", pipeline("rows", { $match: all }, { $count: "all" })],
    ["a $sortByCount", pipeline("rows", { $sortByCount: "$n" })],
    ["a $facet", pipeline("rows", { $facet: { a: [{ $count: "n" }], b: [{ $sortByCount: "$n" }] } })],
    ["a $bucket", pipeline("rows", { $bucket: { groupBy: "$n", boundaries: [0, 3, 9] } })],
    [
      "a $lookup",
      pipeline(
        "few",
        { $lookup: { from: "rows", localField: "n", foreignField: "n", as: "x" } },
        { $unset: "x" },
      ),
    ],
    ["a $unionWith", pipeline("few", { $unionWith: { coll: "rows", pipeline: [{ $count: "n" }] } })],
    ["an explanation", { explain: { count: "rows", query: all }, verbosity: "queryPlanner" }, 1],
    ["sizes", { collStats: "rows" }, 1],
    ["sizes of all", { dbStats: 1 }, 2],
    ["a list of databases", { listDatabases: 1 }, 2],
  ];
  for (const [name, document, least = 10] of reads)
    it(`gives ${name} in turns`, () => {
      const { reply, turns } = inTurns(store, document);
      assert.equal(reply.ok, 1, reply.errmsg);
      assert.deepEqual(reply, command(store, document));
      assert.ok(turns >= least, `${turns} turns`);
    });

  it("that is searched for is scored", () => {
    const projection = { score: { $meta: "textScore" } };
    const find = { find: "rows", filter: { $text: { $search: "common" } }, projection, batchSize: rowsInAll };
    const found: Document[] = inTurns(store, find).reply.cursor.firstBatch;
    assert.equal(found.length, rowsInAll);
    const expected = found.toSorted((a, b) => b.score - a.score || a._id - b._id);
    assert.deepEqual(found, expected);
    assert.ok(found[0]?.score > found.at(-1)?.score);
  });

  it("goes to a reader thread, and one of few does not, however long a slow machine takes for it", () => {
    for (const [_id, left] of [
      [{ $lt: 200 }, false],
      [{ $lt: 600 }, true],
    ] as const) {
      assert.equal(isLeft(store, { count: "rows", query: { _id, n: { $gte: 0 } } }, shortTurn), left);
      const stages = [{ $match: { _id } }, { $group: { _id: "$n" } }];
      assert.equal(isLeft(store, pipeline("rows", ...stages), shortTurn), left);
    }
  });

  it("ends at its time limit while it ranks, sorts, counts and adds sizes", () => {
    const maxTimeMS = 1;
    const reads = [
      { find: "rows", filter: { $text: { $search: "common" } } },
      { find: "rows", sort: { text: 1 } },
      { distinct: "rows", key: "text" },
      { count: "rows", query: all },
      { collStats: "rows" },
      pipeline("rows", { $facet: { a: [{ $count: "n" }] } }),
    ];
    for (const document of reads) {
      const slow = slowly(store, { ...document, maxTimeMS }, shortTurn);
      let reply = slow.turn();
      for (const until = performance.now() + maxTimeMS; performance.now() < until; );
      while (reply === undefined) reply = slow.turn();
      assert.equal(reply.code, 50, JSON.stringify(document));
    }
  });
});

describe("a count of all documents", () => {
  const id = fc.nat(30);
  const write = fc.oneof(
    id.map((_id) => ({ insert: "rows", documents: [{ _id }, { _id: _id + 1 }, { _id: _id - 40 }] })),
    id.map((_id) => ({ insert: "rows", documents: [{ _id }, { _id: -_id }], ordered: false })),
    id.map((_id) => ({ delete: "rows", deletes: [{ q: { _id }, limit: 1 }] })),
    id.map((_id) => ({ delete: "rows", deletes: [{ q: { _id: { $gt: _id } }, limit: 0 }] })),
    id.map((_id) => ({ update: "rows", updates: [{ q: { _id }, u: { $set: { a: 1 } }, upsert: true }] })),
  );

  it("is right while others write, fail and are undone", () => {
    let counts = 0;
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
        const store = new Store({ dir: ":memory:", sync: "normal", sizes: { ...defaultSizes, counted: 3 } });
        command(store, { insert: "rows", documents: [{ _id: 1 }, { _id: 3 }, { _id: 5 }, { _id: 7 }] });
        // As after each group of commands: what fails later does not undo the collection.
        store.catalogChanged = false;
        const scanned = (): number => command(store, { count: "rows", query: { _id: { $exists: true } } }).n;
        const left = [...writes];
        let slow = slowly(store, { count: "rows" }, shortTurn);
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const reply = slow.turn();
          if (reply !== undefined) {
            assert.equal(reply.n, scanned());
            slow = slowly(store, { count: "rows" }, shortTurn);
            counts++;
          }
          command(store, next);
        }
        assert.equal(command(store, { count: "rows" }).n, scanned());
      }),
      { numRuns: 300 },
    );
    assert.ok(counts > 300, `${counts} counts`);
  });
});
