/** The store refuses what it does not apply, with MongoDB's code. Nothing is silently ignored. */
import assert from "node:assert/strict";
import { DBRef, type Document, ObjectId } from "bson";
import { commands } from "../../src/commands/registry.ts";
import type { Store } from "../../src/store.ts";
import { command, memoryStore, rows } from "../support/run-command.ts";

describe("what is not applied is refused", () => {
  let store: Store;
  beforeEach(() => {
    store = memoryStore(() => 1000);
    command(store, { insert: "c", documents: [{ _id: 1, a: 1 }] });
  });
  afterEach(() => store.close());

  const find = (more: Document) => ({ find: "c", ...more });
  const pipeline = (...stages: Document[]) => ({ aggregate: "c", cursor: {}, pipeline: stages });
  const index = (spec: Document) => ({
    createIndexes: "c",
    indexes: [{ key: { x: 1 }, name: "x", ...spec }],
  });
  const update = (u: Document, more: Document = {}) => ({ update: "c", updates: [{ q: {}, u, ...more }] });
  const text = { key: { x: "text" } };

  const cases: [number, string, Document][] = [
    [40415, "an argument of find", find({ filterr: { a: 9 } })],
    [40415, "an argument of aggregate", { ...pipeline(), colation: {} }],
    [40415, "a field of a cursor", { aggregate: "c", pipeline: [], cursor: { batchsize: 1 } }],
    [40415, "an argument of an explained find", { explain: find({ filterr: {} }) }],
    [40415, "an argument of ping", { ping: 1, pong: 1 }],
    [40415, "a field of a collation", find({ collation: { locale: "simple", strengt: 1 } })],
    [9, "an option beside the simple locale", find({ collation: { locale: "simple", strength: 1 } })],
    [40415, "a field of a read concern", find({ readConcern: { levle: "local" } })],
    [
      40415,
      "a field of an update",
      { update: "c", updates: [{ q: {}, u: { $set: { a: 1 } }, upsrt: true }] },
    ],
    [40415, "a field of a delete", { delete: "c", deletes: [{ q: {}, limit: 0, limitt: 1 }] }],
    [322, "another API version", { ping: 1, apiVersion: "2" }],
    [323, "a command outside of the API", { serverStatus: 1, apiVersion: "1", apiStrict: true }],
    [72, "the size of a collection that is not capped", { create: "d", size: 100 }],
    [238, "a storage engine's options", { create: "d", storageEngine: { wiredTiger: {} } }],
    [238, "a validator", { create: "d", validator: { a: 1 } }],
    [197, "an option of an index", index({ sparce: true })],
    [197, "an option of the index on _id", index({ key: { _id: 1 }, name: "y", sparse: true })],
    [14, "a wrong type of an index's option", index({ unique: "yes" })],
    [67, "a language of a text index", index({ ...text, default_language: "english" })],
    [67, "weights without text", index({ weights: { x: 1 } })],
    [9, "an option of $lookup", pipeline({ $lookup: { from: "c", as: "x", pipeline: [], were: 1 } })],
    [40415, "an option of $unionWith", pipeline({ $unionWith: { coll: "c", pipelines: [] } })],
    [40197, "an option of $bucket", pipeline({ $bucket: { groupBy: "$a", boundaries: [0, 1], others: 1 } })],
    [28748, "an option of $sample", pipeline({ $sample: { size: 1, seed: 1 } })],
    [28811, "an option of $unwind", pipeline({ $unwind: { path: "$a", index: "i" } })],
    [238, "an option of $collStats", pipeline({ $collStats: { latencyStats: {} } })],
    [2, "an option of $currentDate", update({ $currentDate: { b: { $type: "date", zone: 1 } } })],
    [2, "a clause of $push", update({ $push: { b: { $each: [1], $sortt: 1 } } })],
    [2, "a fraction for $slice", update({ $push: { b: { $each: [1], $slice: 1.5 } } })],
    [
      9,
      "a sort of many",
      { update: "c", updates: [{ q: {}, u: { $set: { a: 1 } }, multi: true, sort: { a: 1 } }] },
    ],
    [238, "a language of $text", find({ filter: { $text: { $search: "a", $language: "de" } } })],
    [238, "case in $text", find({ filter: { $text: { $search: "a", $caseSensitive: true } } })],
    [2, "$text in an $or", find({ filter: { $or: [{ $text: { $search: "a" } }, { a: 1 }] } })],
    [2, "$text after the first stage", pipeline({ $limit: 1 }, { $match: { $text: { $search: "a" } } })],
    [2, "a hint beside $text", find({ filter: { $text: { $search: "a" } }, hint: { _id: 1 } })],
    [224, "$expr in $elemMatch", find({ filter: { a: { $elemMatch: { $expr: true } } } })],
    [224, "$expr in $pull", update({ $pull: { b: { $expr: true } } })],
    [40218, "a score without $text", find({ sort: { s: { $meta: "textScore" } } })],
    [40218, "a projected score without $text", find({ projection: { s: { $meta: "textScore" } } })],
    [2, "$natural among other fields", find({ sort: { $natural: 1, a: 1 } })],
    [15983, "a second operator in a projection", find({ projection: { a: { $slice: 1, $elemMatch: {} } } })],
    [31252, "an expression beside an exclusion", find({ projection: { a: 0, b: "$a" } })],
    [51075, "options twice", find({ filter: { a: { $regex: /a/i, $options: "m" } } })],
    [51091, "a back reference", find({ filter: { a: /(a)\1/ } })],
    [52, "an _id with operators", { insert: "c", documents: [{ _id: { $a: 1 } }] }],
    [
      52,
      "an _id with operators, upserted",
      update({ b: 1 }, { q: { _id: { $eq: { $a: 1 } } }, upsert: true }),
    ],
  ];
  for (const [code, what, document] of cases) {
    it(`${what}: ${code}`, () => {
      const reply = command(store, document);
      assert.equal(reply.writeErrors?.[0]?.code ?? reply.code, code, JSON.stringify(reply));
    });
  }

  it("an unknown argument of any command that declares its own", () => {
    const declared = [...commands].filter(([, it]) => it.fields !== undefined);
    assert.ok(declared.length > 30);
    for (const [name] of declared) {
      const reply = command(store, { [name]: "c", noSuchArgument: 1 });
      assert.equal(reply.code, 40415, `${name}: ${JSON.stringify(reply)}`);
      assert.equal(reply.codeName, "IDLUnknownField");
      assert.equal(reply.errmsg, `BSON field '${name}.noSuchArgument' is an unknown field.`);
    }
  });

  it("but explains an aggregate that asks for it", () => {
    const reply = command(store, { aggregate: "c", pipeline: [], explain: true });
    assert.equal(reply.queryPlanner.winningPlan.stage, "COLLSCAN");
    assert.equal(reply.cursor, undefined);
  });

  it("an array in an array meets no $elemMatch of its elements", () => {
    const ref = new DBRef("users", new ObjectId("64b000000000000000000001"));
    const documents = [
      { _id: 2, l: [[1]] },
      { _id: 3, l: [1] },
      { _id: 4, l: [[[1]], [1, 2]] },
      { _id: 5, l: [ref] },
      { _id: 6, l: [{ $ref: "users", $id: 7, $db: "d" }] },
    ];
    command(store, { insert: "c", documents });
    const found = (filter: Document) =>
      rows(store, find({ filter, projection: { _id: 1 } })).map((row) => row._id);
    assert.deepEqual(found({ l: { $elemMatch: { $eq: 1 } } }), [3]);
    assert.deepEqual(found({ l: { $elemMatch: { $gt: 0, $lt: 2 } } }), [3]);
    assert.deepEqual(found({ l: { $elemMatch: { $in: [1] } } }), [3]);
    assert.deepEqual(found({ l: { $elemMatch: { $eq: [1] } } }), [2]);
    assert.deepEqual(found({ l: { $elemMatch: { $size: 2 } } }), [4]);
    assert.deepEqual(found({ l: { $elemMatch: { $elemMatch: { $eq: 1 } } } }), [2, 4]);
    assert.deepEqual(found({ l: { $elemMatch: { $ref: "users" } } }), [5, 6]);
    assert.deepEqual(found({ l: { $elemMatch: { $ref: "users", $id: ref.oid } } }), [5]);
    assert.deepEqual(found({ l: { $elemMatch: { $id: { $gt: 6 }, $db: "d" } } }), [6]);
    assert.deepEqual(found({ "l.$id": 7 }), [6]);
  });

  it("pulls an array from an array by one of its elements, as a field is matched", () => {
    command(store, { insert: "c", documents: [{ _id: 2, l: [[1, 9], 8, 3] }] });
    command(store, { update: "c", updates: [{ q: { _id: 2 }, u: { $pull: { l: { $gt: 5 } } } }] });
    assert.deepEqual(rows(store, find({ filter: { _id: 2 } })), [{ _id: 2, l: [3] }]);
  });

  it("adds new fields in the order of their names, whichever operator adds them", () => {
    const keys = (u: Document, more: Document = {}) => {
      command(store, { insert: "c", documents: [{ _id: 2, z: 1 }] });
      command(store, { update: "c", updates: [{ q: { _id: 2 }, u, ...more }] });
      const [{ kv }] = rows(
        store,
        pipeline({ $match: { _id: 2 } }, { $project: { kv: { $objectToArray: "$$ROOT" } } }),
      ) as [Document];
      command(store, { delete: "c", deletes: [{ q: { _id: 2 }, limit: 1 }] });
      return kv.map((pair: Document) => pair.k);
    };
    assert.deepEqual(keys({ $set: { b: 1, a: 1 } }), ["_id", "z", "a", "b"]);
    assert.deepEqual(keys({ $set: { 10: 1, 9: 1 } }), ["_id", "z", "9", "10"]);
    assert.deepEqual(keys({ $set: { d: 1, a: 1 }, $inc: { c: 1, B: 1 } }), ["_id", "z", "B", "a", "c", "d"]);
    assert.deepEqual(keys({ $set: { y: 1 }, $rename: { z: "a" } }), ["_id", "a", "y"]);
  });

  it("reads in the order of the table when asked to, whatever index there is", () => {
    command(store, {
      insert: "c",
      documents: [
        { _id: 0, a: 3 },
        { _id: -1, a: 2 },
      ],
    });
    command(store, index({ key: { a: 1 }, name: "a" }));
    const order = (more: Document) =>
      rows(store, find({ filter: { a: { $gt: 0 } }, ...more })).map((row) => row._id);
    assert.deepEqual(order({ sort: { $natural: 1 } }), [1, 0, -1]);
    assert.deepEqual(order({ sort: { $natural: -1 } }), [-1, 0, 1]);
    assert.deepEqual(order({ hint: { $natural: -1 } }), [-1, 0, 1]);
  });
});
