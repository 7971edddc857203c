/** No command, however odd, ends as an internal error. The client is always told what is wrong. */
import assert from "node:assert/strict";
import {
  Binary,
  Code,
  DBRef,
  Decimal128,
  type Document,
  Double,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from "bson";
import fc from "fast-check";
import { operatorNames } from "../../src/aggregate/pipeline.ts";
import { commands } from "../../src/commands/registry.ts";
import type { Store } from "../../src/store.ts";
import { command, memoryStore, rows } from "../support/run-command.ts";

const scalar = fc.constantFrom<unknown>(
  ...[0, 1, -1, 2, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53, new Double(1)],
  ...[Long.MAX_VALUE, Long.MIN_VALUE, Decimal128.fromString("1.5"), Decimal128.fromString("NaN")],
  ...[
    Decimal128.fromString("1E6000"),
    null,
    true,
    false,
    "",
    "a",
    "$a",
    "$$a",
    "$$ROOT",
    "$",
    "$$",
    "a.b",
    "\0",
    "é\u{1F600}",
  ],
  ...["2026-01-31", "UTC", "+05:30", "month", "%Y"],
  ...[
    new Date(0),
    new Date(8.64e15),
    new ObjectId("64b000000000000000000001"),
    /a/,
    /^a.*$/i,
    new Binary(Buffer.alloc(3)),
  ],
  ...[
    new Timestamp({ t: 1, i: 1 }),
    new MinKey(),
    new MaxKey(),
    new Code("x"),
    new DBRef("c", new ObjectId()),
  ],
);
const fieldName = fc.constantFrom(
  "a",
  "b",
  "_id",
  "a.b",
  "a.0",
  "",
  ".",
  "a.",
  "$",
  "$a",
  "x.$",
  "x.$[]",
  "x.$[i]",
  "0",
);
const updateOperators =
  "$set $unset $inc $mul $min $max $bit $currentDate $rename $push $addToSet $pull $pullAll $pop $setOnInsert".split(
    " ",
  );
const filterOperators =
  "$eq $ne $gt $gte $lt $lte $in $nin $and $or $nor $not $exists $type $size $all $elemMatch $mod $regex $options $expr $text $bitsAllSet $bitsAnyClear $ref $id".split(
    " ",
  );
const clauses = "$each $slice $sort $position $search $language $meta and or xor".split(" ");
const stages =
  "$match $project $group $sort $limit $skip $unwind $lookup $facet $bucket $sample $set $unset $replaceRoot $replaceWith $count $sortByCount $unionWith $documents $collStats $indexStats".split(
    " ",
  );
const options =
  "input as in cond vars if then else branches default case date format timezone unit amount startDate endDate dateString onNull onError to find replacement chars regex field value n by sortBy path from localField foreignField let pipeline groupBy boundaries output size newRoot coll initialValue year month day k v".split(
    " ",
  );
const anyName = fc.oneof(
  fieldName,
  fc.constantFrom(...updateOperators, ...filterOperators, ...clauses, ...stages, ...options),
);
const operator = fc.constantFrom(...operatorNames());

const { value } = fc.letrec<{ value: unknown; object: Document }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: fc.array(tie("value"), { maxLength: 3 }), weight: 2 },
    { arbitrary: tie("object"), weight: 4 },
  ),
  object: fc.oneof(
    fc.dictionary(anyName, tie("value"), { maxKeys: 3 }),
    fc.tuple(operator, tie("value")).map(([name, operand]) => ({ [name]: operand })),
  ) as fc.Arbitrary<Document>,
}));
const object = fc.oneof(
  fc.dictionary(anyName, value, { maxKeys: 3 }),
  fc.constant({}),
) as fc.Arbitrary<Document>;
const oneOf = (names: string[]) =>
  fc.dictionary(fc.constantFrom(...names), value, { minKeys: 1, maxKeys: 2 }) as fc.Arbitrary<Document>;
const filter = fc.oneof(
  object,
  fc.tuple(fieldName, oneOf(filterOperators)).map(([name, test]) => ({ [name]: test })),
);
const update = fc.oneof(
  object,
  fc.tuple(fc.constantFrom(...updateOperators), object).map(([name, operand]) => ({ [name]: operand })),
  fc.array(oneOf(stages), { maxLength: 2 }),
);
const pipeline = fc.array(
  fc.oneof(
    oneOf(stages),
    value,
    fc.tuple(operator, value).map(([name, operand]) => ({ $project: { x: { [name]: operand } } })),
    fc.tuple(operator, value).map(([name, operand]) => ({ $group: { _id: null, x: { [name]: operand } } })),
  ),
  { maxLength: 3 },
);
const declared = [...commands.keys()].filter((name) => name !== "killAllSessions");
const argument = (name: string) =>
  fc.constantFrom(
    "x",
    ...(commands.get(name)?.fields ?? ["x"]),
    "comment",
    "maxTimeMS",
    "lsid",
    "txnNumber",
    "readConcern",
    "writeConcern",
  );

const anyCommand: fc.Arbitrary<Document> = fc.oneof(
  filter.map((it) => ({ find: "c", filter: it })),
  fc
    .tuple(filter, object, object)
    .map(([it, projection, sort]) => ({ find: "c", filter: it, projection, sort })),
  object.map((projection) => ({ find: "c", projection })),
  value.map((it) => ({ insert: "c", documents: [it] })),
  fc
    .tuple(filter, update, fc.boolean(), fc.boolean(), fc.array(object, { maxLength: 1 }))
    .map(([q, u, upsert, multi, arrayFilters]) => ({
      update: "c",
      updates: [{ q, u, upsert, multi, arrayFilters }],
    })),
  fc
    .tuple(filter, update, fc.boolean(), object)
    .map(([query, it, upsert, fields]) => ({ findAndModify: "c", query, update: it, upsert, fields })),
  filter.map((q) => ({ delete: "c", deletes: [{ q, limit: 1 }] })),
  pipeline.map((it) => ({ aggregate: "c", pipeline: it, cursor: {} })),
  fc
    .tuple(value, value)
    .map(([_id, x]) => ({ aggregate: "c", pipeline: [{ $group: { _id, x: { $push: x } } }], cursor: {} })),
  fc
    .tuple(object, object)
    .map(([key, spec]) => ({ createIndexes: "c", indexes: [{ key, name: "i", ...spec }] })),
  fc
    .tuple(fc.constantFrom("find", "aggregate", "update", "count"), object)
    .map(([name, it]) => ({ explain: { [name]: "c", ...it } })),
  fc
    .constantFrom(...declared)
    .chain((name) =>
      fc
        .tuple(
          fc.oneof(fc.constant<unknown>("c"), value),
          fc.dictionary(argument(name), value, { maxKeys: 3 }),
        )
        .map(([own, args]) => ({ [name]: own, ...args })),
    ),
);

const documents = [
  { _id: 1, a: 1, b: "text", x: [1, { y: 2 }], d: new Date(0) },
  { _id: 2, a: { b: [1, [2], { c: 3 }] }, b: null },
  { _id: 3 },
];

describe("whatever a client sends", () => {
  let store: Store;
  beforeEach(() => {
    store = memoryStore();
  });
  afterEach(() => store.close());

  function refill(): void {
    command(store, { drop: "c" });
    command(store, { insert: "c", documents });
  }

  it("is never an internal error", function () {
    this.timeout(120_000);
    const runs = Number(process.env.FUZZ_RUNS ?? 3000);
    let n = 0;
    fc.assert(
      fc.property(anyCommand, (document) => {
        if (n++ % 20 === 0) refill();
        const reply = command(store, document);
        const codes = [reply.code, ...(reply.writeErrors ?? []).map((error: Document) => error.code)];
        assert.ok(!codes.includes(1) && !codes.includes(8), `${JSON.stringify(reply)}`);
      }),
      { numRuns: runs },
    );
    refill();
    assert.equal(rows(store, { find: "c" }).length, 3);
  });

  it("is an empty replacement, in a batch and alone", () => {
    refill();
    for (const upsert of [false, true]) {
      const updates = [
        { q: { _id: 3 }, u: {}, upsert },
        { q: { _id: `new ${upsert}` }, u: {}, upsert },
      ];
      const reply = command(store, { update: "c", updates });
      assert.equal(reply.ok, 1);
      assert.equal(reply.writeErrors, undefined);
    }
    const made = command(store, { insert: "c", documents: [{}] });
    assert.deepEqual([made.ok, made.n], [1, 1]);
    assert.equal(
      command(store, { findAndModify: "c", query: { _id: 1 }, update: {}, new: true }).value._id,
      1,
    );
  });
});
