/** A store whose reads all go to reader threads answers as one without such threads. */
import assert from "node:assert/strict";
import type { Document } from "bson";
import fc from "fast-check";
import { MongoServerError } from "mongodb";
import { Store } from "../../../src/store.ts";
import { document, filter, small, sort, specs } from "../../support/queries.ts";
import { command } from "../../support/run-command.ts";
import { type Started, serveStore } from "../../support/with-store.ts";

const name = fc.constantFrom("a", "b");
const id = fc.nat(12);
const words = fc
  .array(fc.constantFrom("red", "green", "blue"), { minLength: 1, maxLength: 3 })
  .map((list) => list.join(" "));

const index = fc.constantFrom(...specs, { name: "unique", key: { c: 1, b: 1 }, unique: true });
const write: fc.Arbitrary<Document> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(name, fc.array(fc.tuple(id, document, words), { minLength: 1, maxLength: 6 }))
      .map(([insert, list]) => ({
        insert,
        documents: list.map(([_id, it, text]) => ({ _id, ...it, text })),
        ordered: false,
      })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, filter, document)
      .map(([update, q, $set]) => ({ update, updates: [{ q, u: { $set }, multi: true }] })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, id, document)
      .map(([update, _id, u]) => ({ update, updates: [{ q: { _id }, u, upsert: true }] })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, id)
      .map(([name, _id]) => ({ delete: name, deletes: [{ q: { _id }, limit: 1 }] })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(name, index).map(([createIndexes, spec]) => ({ createIndexes, indexes: [spec] })),
  },
  {
    weight: 2,
    arbitrary: name.map((createIndexes) => ({
      createIndexes,
      indexes: [{ name: "text", key: { text: "text" } }],
    })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, index).map(([dropIndexes, spec]) => ({ dropIndexes, index: spec.name })),
  },
  { weight: 1, arbitrary: name.map((drop) => ({ drop })) },
  {
    weight: 1,
    arbitrary: fc
      .boolean()
      .map((dropTarget) => ({ renameCollection: "shop.a", to: "shop.b", dropTarget, $db: "admin" })),
  },
);

const read: fc.Arbitrary<Document> = fc.oneof(
  fc
    .tuple(name, filter, sort, fc.nat(4), fc.nat(2), fc.constantFrom(1, 2, 100))
    .map(([find, query, order, limit, skip, batchSize]) => ({
      find,
      filter: query,
      sort: { ...order, _id: 1 },
      limit,
      skip,
      batchSize,
    })),
  fc.tuple(name, filter).map(([count, query]) => ({ count, query })),
  name.map((count) => ({ count })),
  fc
    .tuple(name, filter, fc.constantFrom("a", "b", "a.x", "c"))
    .map(([distinct, query, key]) => ({ distinct, key, query })),
  fc.tuple(name, words).map(([find, $search]) => ({
    find,
    filter: { $text: { $search } },
    projection: { score: { $meta: "textScore" } },
    batchSize: 2,
  })),
  fc.tuple(name, filter, small).map(([aggregate, $match, x]) => ({
    aggregate,
    pipeline: [
      { $match },
      { $group: { _id: "$c", n: { $sum: 1 }, x: { $max: { $ifNull: ["$a", x] } } } },
      { $sort: { _id: 1 } },
    ],
    cursor: { batchSize: 2 },
  })),
  fc.tuple(name, name).map(([aggregate, from]) => ({
    aggregate,
    pipeline: [
      { $sort: { _id: 1 } },
      { $lookup: { from, localField: "c", foreignField: "c", as: "l" } },
      { $project: { n: { $size: "$l" } } },
    ],
    cursor: {},
  })),
  name.map((aggregate) => ({ aggregate, pipeline: [{ $group: { _id: 1, n: { $sum: 1 } } }], cursor: {} })),
  fc
    .tuple(name, filter)
    .map(([count, query]) => ({ explain: { count, query }, verbosity: "executionStats" })),
  name.map((collStats) => ({ collStats })),
  fc.constant({ dbStats: 1 }),
);
const step = fc.oneof({ weight: 2, arbitrary: write }, { weight: 3, arbitrary: read });

/** What does not depend on the store: without ids, times, and which index an explanation names. */
function comparable(reply: Document): Document {
  const { cursor, queryPlanner, executionStats, command: _, serverInfo: __, ...rest } = reply;
  if (executionStats !== undefined) return { ...rest, n: executionStats.nReturned };
  if (queryPlanner !== undefined) return rest;
  return cursor === undefined ? rest : { ...rest, ns: cursor.ns };
}

/** A command's reply, with the documents of all batches. */
async function inFull(
  ask: (command: Document) => Document | Promise<Document>,
  it: Document,
): Promise<Document> {
  const reply = await ask(it);
  if (reply.cursor === undefined) return comparable(reply);
  const batches: Document[][] = [reply.cursor.firstBatch];
  for (let { id } = reply.cursor; Number(id) !== 0; ) {
    const more = await ask({ getMore: id, collection: it.find ?? it.aggregate, batchSize: 2 });
    assert.equal(more.ok, 1, more.errmsg);
    batches.push(more.cursor.nextBatch);
    ({ id } = more.cursor);
  }
  return { ...comparable(reply), batches };
}

describe("reader threads", () => {
  let served: Started;
  before(async () => {
    served = await serveStore({ readMs: 0, readers: 2, sync: "normal" });
  });
  after(() => served.stop());

  async function asServed({ $db = "shop", ...it }: Document): Promise<Document> {
    try {
      // An error among those of statements is part of the reply.
      return await served.client.db($db).command(it);
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      return error.errorResponse;
    }
  }

  it("give the answers that a store without them gives", async function () {
    this.timeout(120_000);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const alone = new Store({ dir: ":memory:", sync: "normal" });
        await served.db.dropDatabase();
        for (const it of steps) {
          alone.catalogChanged = false;
          const expected = await inFull((asked) => command(alone, asked, "shop"), it);
          assert.deepEqual(await inFull(asServed, it), expected, JSON.stringify(it));
          compared++;
        }
        await alone.close();
      }),
      { numRuns: 150 },
    );
    const { readers } = await served.db.command({ serverStatus: 1 });
    assert.ok(readers.total > compared / 3, `${readers.total} reads of ${compared} commands`);
  });
});
