/** Indexes are built in parts, while others write. In the end they equal those built at once. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "bson";
import fc from "fast-check";
import { defaultSizes } from "../../src/storage/sizes.ts";
import { Store } from "../../src/store.ts";
import { command, memoryStore, rows, slowly } from "../support/run-command.ts";
import { temporaryFolder } from "../support/with-store.ts";

const value = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("red", "green red", null));
const field = fc.oneof(value, fc.array(value, { maxLength: 3 }));
const id = fc.integer({ min: 0, max: 19 });
const thing = fc.record({ a: field, b: value }, { requiredKeys: [] });
const index: fc.Arbitrary<Document> = fc.constantFrom(
  { key: { a: 1 } },
  { key: { b: -1, a: 1 } },
  { key: { a: 1 }, unique: true },
  { key: { b: 1 }, sparse: true },
  { key: { a: 1 }, partialFilterExpression: { b: { $gte: 2 } } },
  { key: { a: "text" } },
);
const write: fc.Arbitrary<Document> = fc.oneof(
  fc.tuple(id, thing).map(([_id, it]) => ({ insert: "things", documents: [{ _id, ...it }] })),
  fc.tuple(id, thing).map(([_id, u]) => ({ update: "things", updates: [{ q: { _id }, u }] })),
  fc
    .tuple(id, field)
    .map(([_id, a]) => ({ update: "things", updates: [{ q: { _id }, u: { $set: { a } } }] })),
  id.map((_id) => ({ delete: "things", deletes: [{ q: { _id }, limit: 1 }] })),
);

const create = (spec: Document): Document => ({
  createIndexes: "things",
  indexes: [{ name: "it", ...spec }],
});
const things = (store: Store) => store.find("test", "things") ?? assert.fail("there is no such collection");

/** What an index finds: its keys with their rows, or the rows of a text index by words. */
function found(store: Store): unknown {
  const [made] = things(store).indexes;
  if (made?.text)
    return ["red", "green"].map((word) =>
      made.text
        ?.search(word, -1, 1000)
        .map(([rid]) => rid)
        .sort(),
    );
  return store.database.sql.prepare(`SELECT hex(k) AS k, rid FROM ${made?.table} ORDER BY 1, 2`).all();
}

const tables = (store: Store): number =>
  Number(
    store.database.sql.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name GLOB '[it][0-9]*'").get()
      ?.n,
  );

describe("an index that is built in turns", () => {
  it("has in the end what it has when it is built at once, whatever is written meanwhile", async () => {
    let turns = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(thing, { maxLength: 14 }),
        index,
        fc.array(write),
        async (first, spec, writes) => {
          // Only a few keys are sorted at once.
          const sizes = { ...defaultSizes, sorted: 500 };
          const store = new Store({ dir: ":memory:", sync: "normal", sizes });
          command(store, { create: "things" });
          for (const [_id, it] of first.entries())
            command(store, { insert: "things", documents: [{ _id, ...it }] });
          const build = slowly(store, create(spec));
          const left = [...writes];
          let reply = build.turn();
          for (; reply === undefined; reply = build.turn()) {
            const next = left.shift();
            if (next) command(store, next);
            turns++;
          }
          assert.equal(things(store).building.length, 0);
          if (reply.ok === 1) {
            const was = found(store);
            command(store, { dropIndexes: "things", index: "it" });
            assert.equal(command(store, create(spec)).ok, 1);
            assert.deepEqual(found(store), was);
          } else {
            refused++;
            assert.deepEqual([reply.code, spec.unique, tables(store)], [11000, true, 0]);
          }
          await store.close();
        },
      ),
      { numRuns: 1000 },
    );
    assert.ok(turns > 3000 && refused > 10, `${turns} turns, ${refused} refused`);
  });

  describe("while it is being built", () => {
    let store: Store;
    let build: ReturnType<typeof slowly>;
    const rest = (): Document => {
      for (;;) {
        const reply = build.turn();
        if (reply) return reply;
      }
    };
    const names = () => rows(store, { listIndexes: "things" }).map((it) => it.name);
    beforeEach(() => {
      store = memoryStore();
      const documents = Array.from({ length: 40 }, (_, _id) => ({ _id, a: _id }));
      command(store, { insert: "things", documents });
      build = slowly(store, create({ key: { a: 1 } }));
      for (let turn = 0; turn < 10; turn++) assert.equal(build.turn(), undefined);
    });
    afterEach(() => store.close());

    it("is not seen, and no query uses it", () => {
      assert.deepEqual(names(), ["_id_"]);
      assert.equal(rows(store, { find: "things", filter: { a: { $gte: 0 } } }).length, 40);
      assert.equal(command(store, { find: "things", hint: "it" }).code, 2);
      assert.deepEqual([rest().numIndexesAfter, names()], [2, ["_id_", "it"]]);
      assert.equal(rows(store, { find: "things", filter: { a: { $gte: 0 } }, hint: "it" }).length, 40);
    });

    it("is built once where two commands ask for it", () => {
      const other = slowly(store, create({ key: { a: 1 } }));
      assert.equal(other.turn(), undefined);
      assert.equal(rest().numIndexesAfter, 2);
      assert.equal(other.turn()?.note, "all indexes already exist");
    });

    it("follows its collection to another name", () => {
      command(store, { renameCollection: "test.things", to: "test.others", $db: "admin" });
      const renamed = command(store, { count: "others" });
      assert.equal(renamed.ok, 1);
      assert.equal(rest().ok, 1);
    });

    it("is given up when the collection is dropped, or all indexes", () => {
      command(store, { dropIndexes: "things", index: "*" });
      assert.equal(rest().code, 276);
      build = slowly(store, create({ key: { a: 1 } }));
      assert.equal(build.turn(), undefined);
      command(store, { drop: "things" });
      assert.equal(rest().code, 276);
      assert.equal(tables(store), 0);
    });

    it("leaves nothing behind when its time is over, or a value comes twice", async () => {
      build.stop();
      build = slowly(store, { ...create({ key: { a: 1 } }), maxTimeMS: 20 });
      assert.equal(build.turn(), undefined);
      await sleep(40);
      assert.equal(rest().code, 50);
      assert.equal(tables(store), 0);
      build = slowly(store, create({ key: { a: 1 }, unique: true }));
      assert.equal(build.turn(), undefined);
      command(store, { insert: "things", documents: [{ _id: 99, a: 7 }] });
      assert.equal(rest().code, 11000);
      assert.equal(tables(store), 0);
      assert.deepEqual(names(), ["_id_"]);
    });

    it("takes values that come once, whether the build has been at their rows or not", () => {
      build.stop();
      build = slowly(store, create({ key: { a: 1 }, unique: true }));
      for (let turn = 0; turn < 10; turn++) assert.equal(build.turn(), undefined);
      command(store, { insert: "things", documents: [{ _id: 98, a: 98 }] });
      for (const _id of [1, 39])
        command(store, { update: "things", updates: [{ q: { _id }, u: { $set: { a: 100 + _id } } }] });
      command(store, { delete: "things", deletes: [2, 38].map((_id) => ({ q: { _id }, limit: 1 })) });
      assert.equal(rest().ok, 1);
      const byIndex = rows(store, { find: "things", filter: { a: { $gte: 37 } }, hint: "it" });
      assert.deepEqual(
        byIndex.map((it) => it._id),
        [37, 98, 1, 39],
      );
    });

    it("is made anew where the command that built it has ended without a reply", () => {
      build.stop();
      assert.equal(command(store, create({ key: { a: 1 } })).numIndexesAfter, 2);
      assert.equal(tables(store), 1);
    });

    it("keeps up with writes that are undone", () => {
      const twice = { _id: 5, a: 5 };
      command(store, { insert: "things", documents: [{ _id: 98, a: 98 }, twice] });
      command(store, { update: "things", updates: [{ q: { _id: 1 }, u: { $set: { a: 101 } } }] });
      assert.equal(rest().ok, 1);
      const byIndex = rows(store, { find: "things", filter: { a: { $gte: 90 } }, hint: "it" });
      assert.deepEqual(
        byIndex.map((it) => it._id),
        [98, 1],
      );
    });
  });

  it("is gone after a restart where it was not finished", async () => {
    const dir = temporaryFolder();
    try {
      const before = new Store({ dir, sync: "full" });
      command(before, { insert: "things", documents: Array.from({ length: 9 }, (_, a) => ({ a })) });
      const build = slowly(before, create({ key: { a: 1 } }));
      assert.equal(build.turn(), undefined);
      assert.equal(build.turn(), undefined);
      await before.close();
      const after = new Store({ dir, sync: "full" });
      assert.deepEqual(
        [things(after).indexes.length, things(after).building.length, tables(after)],
        [0, 0, 0],
      );
      assert.equal(command(after, create({ key: { a: 1 } })).numIndexesAfter, 2);
      await after.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
