/**
 * Large documents are stored in parts. After any operation they have the same bytes as in a store that keeps each
 * document in one piece. Every command answers the same.
 */
import assert from "node:assert/strict";
import type { Document } from "bson";
import fc from "fast-check";
import { fromJs } from "../../src/bson/make.ts";
import { encodeKey } from "../../src/key-encoding.ts";
import { DamagedFile } from "../../src/storage/damage.ts";
import { SplitDocument } from "../../src/storage/parts/split-document.ts";
import { defaultSizes } from "../../src/storage/sizes.ts";
import { Store } from "../../src/store.ts";
import { command } from "../support/run-command.ts";

const clock = () => 1_700_000_000_000;
const small = { ...defaultSizes, document: 300, joined: 200, object: 100, row: 90 };
const never = { ...small, document: Number.POSITIVE_INFINITY };

const inParts = () => new Store({ dir: ":memory:", sync: "normal", clock, sizes: small });
const inOnePiece = () => new Store({ dir: ":memory:", sync: "normal", clock, sizes: never });

const storedIn = (store: Store, id: unknown) => store.find("test", "things")?.byId(encodeKey(fromJs(id)));
const isSplit = (store: Store, id: unknown) => storedIn(store, id) instanceof SplitDocument;

/** All keys of all indexes with their rows. */
const indexEntries = (store: Store): Document[] =>
  (store.find("test", "things")?.indexes ?? []).flatMap(({ table }) =>
    store.database.sql.prepare(`SELECT hex(k) AS k, rid FROM ${table}`).all(),
  );

/** Both stores, given the same commands. */
class Pair {
  readonly parts = inParts();
  readonly whole = inOnePiece();
  /** Number of commands that left a document in parts. */
  split = 0;

  run(request: Document): Document {
    const [is, should] = [command(this.parts, request), command(this.whole, request)];
    assert.deepEqual(is, should, JSON.stringify(request));
    for (const id of [1, 2]) {
      const [mine, other] = [this.parts, this.whole].map((it) => storedIn(it, id)?.document.bytes());
      assert.ok(mine === other || (mine && other?.equals(mine)), JSON.stringify(request));
    }
    const [mine, others] = [this.parts, this.whole].map(indexEntries);
    assert.deepEqual(mine, others, JSON.stringify(request));
    if (isSplit(this.parts, 1)) this.split++;
    return is;
  }

  async close(): Promise<void> {
    await Promise.all([this.parts.close(), this.whole.close()]);
  }
}

const names = ["a", "b", "k1", "k2", "k10", "7", "12", "é", "long-name-of-an-order", "x y"];
const name = fc.oneof(
  fc.constantFrom(...names),
  fc.integer({ min: 0, max: 40 }).map((n) => `id-${n}`),
);
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom("", "text", null, "a longer text of words"),
);
const entry = fc.oneof(
  scalar,
  fc.record({
    q: fc.integer({ min: 0, max: 3 }),
    list: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  }),
);
const map = fc.dictionary(name, entry, { minKeys: 0, maxKeys: 45 });
const things = fc.record({
  _id: fc.constantFrom(1, 2),
  version: fc.integer({ min: 0, max: 1 }),
  state: fc.record({ n: scalar, holds: map, after: scalar }),
  tags: fc.oneof(map, scalar),
  list: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }),
});

const path = fc.oneof(
  { weight: 6, arbitrary: name.map((it) => `state.holds.${it}`) },
  { weight: 3, arbitrary: name.map((it) => `tags.${it}`) },
  { weight: 2, arbitrary: name.map((it) => `state.holds.${it}.q`) },
  fc.constantFrom(
    "version",
    "state.n",
    "state.new",
    "list",
    "list.1",
    "state.holds",
    "state",
    "tags",
    "fresh.one",
  ),
  name.map((it) => `state.holds.${it}.list`),
  name.map((it) => `state.holds.${it}.list.$[]`),
);
const operations = fc.oneof(
  { weight: 5, arbitrary: fc.dictionary(path, entry, { minKeys: 1, maxKeys: 4 }).map(($set) => ({ $set })) },
  {
    weight: 4,
    arbitrary: fc
      .dictionary(path, fc.constant(""), { minKeys: 1, maxKeys: 6 })
      .map(($unset): Document => ({ $unset })),
  },
  fc.record({ to: path, map }).map(({ to, map }) => ({ $set: { [to]: map } })),
  path.map((it) => ({ $inc: { [it]: 1, version: 1 } })),
  fc.tuple(path, entry).map(([it, value]) => ({ $max: { [it]: value } })),
  fc.tuple(path, path).map(([from, to]) => ({ $rename: { [from]: to } })),
  fc.tuple(path, scalar).map(([it, value]) => ({ $push: { [it]: value } })),
  fc.tuple(path, scalar).map(([it, value]) => ({ $pull: { [it]: value } })),
  path.map((it) => ({ $currentDate: { [it]: true } })),
);
const change = fc.oneof(
  { weight: 4, arbitrary: operations },
  fc.tuple(operations, operations).map(([one, other]): Document => ({ ...one, ...other })),
);

const filter = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Document>({ _id: 1 }) },
  fc.record({ _id: fc.constant(1), version: fc.integer({ min: 0, max: 2 }) }),
  fc.constantFrom<Document>(
    { _id: { $in: [1, 2] } },
    {},
    { "state.n": 1 },
    { version: { $gte: 0 } },
    { tags: 1 },
  ),
  name.map((it): Document => ({ _id: 1, [`state.holds.${it}`]: { $exists: true } })),
  fc.constant<Document>({ _id: 1, list: 1 }),
  fc.constant<Document>({ $expr: { $eq: ["$version", 1] } }),
);
const update = fc
  .record({
    q: filter,
    u: fc.oneof({ weight: 8, arbitrary: change }, things, fc.constant([{ $set: { "state.piped": 1 } }])),
    multi: fc.boolean(),
    upsert: fc.boolean(),
  })
  // A generated _id would differ between the stores.
  .map((it) => ({ ...it, upsert: it.upsert && typeof it.q._id === "number" }));
const fieldsToKeep = fc.constantFrom(
  { version: 1 },
  { "state.n": 1, _id: 0 },
  { "state.holds": 1 },
  { "state.holds.k1": 1 },
  { state: 1, list: 1 },
  { tags: 0 },
  { list: { $slice: 1 } },
  { seen: { $size: { $objectToArray: "$state.holds" } } },
);
const index = fc.constantFrom("version", "state.n", "state.holds.k1", "tags.k2.q", "state", "state.after");

const request: fc.Arbitrary<Document> = fc.oneof(
  { weight: 10, arbitrary: update.map((it) => ({ update: "things", updates: [it] })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.array(update, { minLength: 2, maxLength: 4 }), fc.boolean())
      .map(([updates, ordered]) => ({ update: "things", updates, ordered })),
  },
  things.map((document) => ({ insert: "things", documents: [document] })),
  fc.record({ q: filter, limit: fc.constantFrom(0, 1) }).map((it) => ({ delete: "things", deletes: [it] })),
  fc
    .record({ query: filter, update: change, new: fc.boolean() })
    .map((it) => ({ findAndModify: "things", ...it })),
  filter.map((query) => ({ findAndModify: "things", query, remove: true })),
  fc
    .record({
      filter,
      projection: fieldsToKeep,
      sort: fc.constantFrom({}, { version: -1, _id: 1 }, { tags: 1, _id: 1 }),
    })
    .map((it) => ({ find: "things", ...it })),
  filter.map((query) => ({ count: "things", query })),
  filter.map((query) => ({ distinct: "things", key: "tags.k1", query })),
  filter.map(($match) => ({
    aggregate: "things",
    pipeline: [{ $match }, { $project: { version: 1, n: "$state.n" } }],
    cursor: {},
  })),
  fc.tuple(index, fc.boolean()).map(([key, more]) => ({
    createIndexes: "things",
    indexes: [{ key: { [key]: 1, ...(more && key !== "version" ? { version: 1 } : {}) }, name: key }],
  })),
  index.map((key) => ({ dropIndexes: "things", index: key })),
  fc.constant({ collStats: "things" }),
);

const holds = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`id-${n}`, { q: n % 3, list: [1, 2] }]));
const hot = (count: number) => ({
  _id: 1,
  version: 0,
  state: { n: 1, holds: holds(count), after: "" },
  list: [1],
});

describe("documents in parts", () => {
  it("are as documents in one piece, whatever is done to them", async function () {
    this.timeout(120_000);
    let split = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), async (requests) => {
        const pair = new Pair();
        pair.run({ insert: "things", documents: [hot(30)] });
        for (const it of requests) pair.run(it);
        split += pair.split;
        await pair.close();
      }),
      { numRuns: Number(process.env.PARTS_RUNS ?? 300) },
    );
    assert.ok(split > 300, `only ${split} commands left a document in parts`);
  });

  describe("of a usual size", () => {
    let store: Store;
    beforeEach(() => {
      store = new Store({ dir: ":memory:", sync: "normal", clock });
      command(store, { insert: "things", documents: [hot(3_000), { ...hot(3), _id: 2 }] });
    });
    afterEach(() => store.close());

    const updateOf = (...updates: Document[]) =>
      command(store, { update: "things", updates: updates.map((u) => ({ q: { _id: 1 }, u })) });
    const found = (request: Document): Document =>
      command(store, { find: "things", filter: { _id: 1 }, ...request }).cursor.firstBatch[0];
    const rows = (): number => Number(store.database.sql.prepare("SELECT count(*) AS n FROM parts").get()?.n);
    const rowsChangedBy = (work: () => void): number => {
      const changes = () => Number(store.database.sql.prepare("SELECT total_changes() AS n").get()?.n);
      const before = changes();
      work();
      return changes() - before;
    };

    it("are divided by the first update that names fields, if they are large", () => {
      assert.equal(isSplit(store, 1), false);
      updateOf({ $set: { version: 1 } });
      assert.ok(isSplit(store, 1));
      assert.ok(rows() > 30 && rows() < 300, `${rows()} rows`);
      command(store, { update: "things", updates: [{ q: { _id: 2 }, u: { $set: { version: 1 } } }] });
      assert.equal(isSplit(store, 2), false);
    });

    it("cost a row for each part of them that changes, and one more", () => {
      updateOf({ $set: { version: 1 } });
      assert.equal(
        rowsChangedBy(() => updateOf({ $set: { "state.holds.id-7": { q: 9 }, version: 2 } })),
        2,
      );
      assert.equal(
        rowsChangedBy(() => updateOf({ $unset: { "state.holds.id-9": "" } })),
        2,
      );
      assert.equal(
        rowsChangedBy(() => updateOf({ $inc: { "state.holds.id-11.q": 1 } })),
        2,
      );
      assert.equal(
        rowsChangedBy(() => updateOf({ $push: { list: 2 } })),
        1,
      );
      assert.equal(
        rowsChangedBy(() => updateOf({ $set: { version: 2 } })),
        0,
      );
      const pull = { q: { _id: { $in: [1] } }, u: { $pull: { list: 1 } }, multi: true };
      assert.equal(
        rowsChangedBy(() => command(store, { update: "things", updates: [pull] })),
        1,
      );
    });

    it("tell by nModified whether anything has changed", () => {
      updateOf({ $set: { version: 1 } });
      const same = updateOf({ $set: { "state.holds.id-7": { q: 1, list: [1, 2] } } });
      assert.deepEqual([same.n, same.nModified], [1, 0]);
      const gone = updateOf({ $unset: { "state.holds.nobody": "" } }, { $set: { "state.holds.id-7.q": 5 } });
      assert.deepEqual([gone.n, gone.nModified], [2, 1]);
    });

    it("keep their fields in order: new ones at the end, changed ones in place", () => {
      updateOf(
        { $set: { version: 1 } },
        {
          $set: { "state.holds.z": 1, "state.holds.id-5": 2, "state.holds.a": 3 },
          $unset: { "state.holds.id-0": "" },
        },
        { $rename: { "state.holds.id-1": "state.holds.id-6" } },
      );
      const keys = Object.keys(found({}).state.holds);
      assert.deepEqual(keys.slice(0, 5), ["id-2", "id-3", "id-4", "id-5", "id-6"]);
      assert.deepEqual(keys.slice(-3), ["id-2999", "a", "z"]);
    });

    it("are not put together for a filter or a projection that asks for other fields", () => {
      updateOf({ $set: { version: 1 } });
      // From now on, a read of the parts fails.
      store.database.sql.exec("DELETE FROM parts");
      const some = { projection: { version: 1, "state.n": 1 } };
      assert.deepEqual(found(some), { _id: 1, version: 1, state: { n: 1 } });
      assert.deepEqual(found({ ...some, filter: { "state.n": 1, version: 1 } }), found(some));
      assert.deepEqual(
        found({ ...some, filter: { version: { $gt: 0 } }, sort: { "state.n": 1 } }),
        found(some),
      );
      assert.equal(updateOf({ $set: { version: 2 } }).nModified, 1);
      for (const request of [{}, { projection: { state: 1 } }, { filter: { "state.holds.x": null } }])
        assert.throws(() => found(request), DamagedFile);
    });

    it("are stored whole again when they get small, or are replaced", () => {
      const all = Object.fromEntries(Array.from({ length: 2_900 }, (_, n) => [`state.holds.id-${n}`, ""]));
      updateOf({ $set: { version: 1 } }, { $unset: all });
      assert.deepEqual([isSplit(store, 1), rows()], [false, 0]);
      assert.equal(Object.keys(found({}).state.holds).length, 100);
      updateOf(hot(3_000), { $set: { version: 1 } });
      assert.ok(isSplit(store, 1));
      updateOf({ $set: { "state.holds": holds(2_999) } });
      assert.deepEqual([isSplit(store, 1), rows()], [false, 0]);
    });

    it("leave nothing behind when they are removed, or their collection", () => {
      updateOf({ $set: { version: 1 } });
      command(store, { delete: "things", deletes: [{ q: { _id: 1 }, limit: 1 }] });
      assert.equal(rows(), 0);
      command(store, { insert: "things", documents: [hot(3_000)] });
      updateOf({ $set: { version: 1 } });
      assert.ok(rows() > 0);
      command(store, { drop: "things" });
      assert.equal(rows(), 0);
    });

    it("are as before when a statement fails half way", () => {
      updateOf({ $set: { version: 1 } });
      command(store, {
        createIndexes: "things",
        indexes: [{ key: { version: 1 }, name: "v", unique: true }],
      });
      const before = found({});
      const refused = updateOf({ $set: { "state.holds.id-7": 1, version: 0 } });
      assert.equal(refused.writeErrors[0].code, 11000);
      assert.deepEqual(found({}), before);
    });

    it("have no more than 16 MiB", () => {
      const text = "x".repeat(3_000_000);
      const fill = Array.from({ length: 5 }, (_, n) => ({ $set: { [`state.holds.large-${n}`]: text } }));
      assert.equal(updateOf({ $set: { version: 1 } }, ...fill).nModified, 6);
      assert.ok(isSplit(store, 1));
      const refused = updateOf({ $set: { "state.holds.large-5": text } });
      assert.equal(refused.writeErrors[0].code, 10334);
      assert.equal(found({}).state.holds["large-5"], undefined);
    });

    it("give a new index their values, and keep it right", () => {
      updateOf({ $set: { version: 1 } });
      command(store, { createIndexes: "things", indexes: [{ key: { "state.holds.id-7.q": 1 }, name: "q" }] });
      const byIndex = (q: number) =>
        found({ filter: { "state.holds.id-7.q": q }, hint: "q", projection: { version: 1 } })?.version;
      assert.equal(byIndex(1), 1);
      updateOf({ $set: { "state.holds.id-7.q": 2, version: 2 } });
      assert.deepEqual([byIndex(1), byIndex(2)], [undefined, 2]);
    });

    it("leave no key behind in an index that was made after they were divided", () => {
      updateOf({ $set: { version: 1 } });
      command(store, { createIndexes: "things", indexes: [{ key: { "state.holds.id-7.q": 1 }, name: "q" }] });
      assert.equal(indexEntries(store).length, 2);
      command(store, { delete: "things", deletes: [{ q: { _id: 1 }, limit: 1 }] });
      assert.equal(indexEntries(store).length, 1);
    });
  });
});
