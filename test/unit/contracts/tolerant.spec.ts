import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { tolerant } from "../../../broker/contract/tolerant.ts";
import { actorStates } from "../../../scripts/support/contracts/actor-states.ts";
import core from "../../../services/index.ts";

/** A schema, something that it takes, and the same with fields in it that it does not know. */
interface Sample {
  schema: z.ZodType;
  value: unknown;
  polluted: unknown;
}

const plain = <T>(schema: z.ZodType, values: fc.Arbitrary<T>): fc.Arbitrary<Sample> =>
  values.map((value) => ({ schema, value, polluted: value }));

const UNKNOWN = fc.dictionary(fc.constantFrom("zz1", "zz2", "zz3"), fc.jsonValue({ maxDepth: 1 }), {
  maxKeys: 2,
});

const FIELDS = ["a", "b", "c"] as const;

const strictObject = (item: fc.Arbitrary<Sample>, more: Record<string, unknown> = {}) =>
  fc
    .tuple(
      fc.dictionary(fc.constantFrom(...FIELDS), item, { maxKeys: 3 }),
      UNKNOWN,
      fc.boolean(),
      fc.boolean(),
    )
    .map(([fields, unknown, refined, optional]): Sample => {
      const shape: Record<string, z.ZodType> = {};
      for (const [key, { schema }] of Object.entries(fields))
        shape[key] = optional ? schema.optional() : schema;
      for (const [key, value] of Object.entries(more)) shape[key] = z.literal(value as string);
      const pick = (what: "value" | "polluted") =>
        Object.fromEntries(Object.entries(fields).map(([key, it]) => [key, it[what]]));
      let schema: z.ZodType = z.strictObject(shape);
      // It sees only fields that are known, whatever came.
      if (refined)
        schema = schema.refine((it) => Object.keys(it as object).every((key) => !key.startsWith("zz")));
      return {
        schema,
        value: { ...pick("value"), ...more },
        polluted: { ...unknown, ...pick("polluted"), ...more },
      };
    });

const { sample } = fc.letrec<{ sample: Sample; object: Sample }>((tie) => ({
  object: strictObject(tie("sample")),
  sample: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    plain(z.string(), fc.string()),
    plain(z.int(), fc.integer()),
    plain(z.enum(["x", "y"]), fc.constantFrom("x", "y")),
    plain(z.unknown(), fc.jsonValue({ maxDepth: 1 })),
    plain(z.record(z.string(), z.unknown()), fc.constant({ any: 1 })),
    plain(z.coerce.number().pipe(z.int()), fc.integer().map(String)),
    tie("object"),
    tie("sample").map((it) => ({ ...it, schema: z.nullable(it.schema) })),
    plain(z.strictObject({ a: z.int() }).nullable(), fc.constant(null)),
    tie("sample").map((it) => ({ ...it, schema: it.schema.readonly() })),
    tie("sample").map((it) => ({ ...it, schema: it.schema.default("none") })),
    tie("sample").map((it) => ({ ...it, schema: it.schema.transform((value) => [value]) })),
    tie("sample").map((it) => ({ ...it, schema: z.lazy(() => it.schema) })),
    tie("sample").map((it) => ({ ...it, schema: z.union([z.symbol(), it.schema]) })),
    fc.tuple(tie("sample"), fc.nat({ max: 2 })).map(([it, count]) => ({
      schema: z.array(it.schema),
      value: Array(count).fill(it.value),
      polluted: Array(count).fill(it.polluted),
    })),
    tie("sample").map((it) => ({
      schema: z.record(z.string(), it.schema),
      value: { k: it.value },
      polluted: { k: it.polluted },
    })),
    fc.tuple(tie("sample"), tie("sample")).map(([one, two]) => ({
      schema: z.tuple([one.schema, two.schema]),
      value: [one.value, two.value],
      polluted: [one.polluted, two.polluted],
    })),
    fc
      .tuple(
        strictObject(tie("sample"), { is: "one" }),
        strictObject(tie("sample"), { is: "two" }),
        fc.boolean(),
      )
      .map(([one, two, first]) => ({
        ...(first ? one : two),
        schema: z.discriminatedUnion("is", [one.schema as z.ZodObject, two.schema as z.ZodObject]),
      })),
  ),
}));

const differs = ({ value, polluted }: Sample) => JSON.stringify(value) !== JSON.stringify(polluted);

describe("The tolerant form of a schema", () => {
  it("makes of what the strict one takes the same as it", () => {
    fc.assert(
      fc.property(sample, ({ schema, value }) => {
        assert.deepEqual(tolerant(schema).parse(value), schema.parse(value));
      }),
      { numRuns: 500 },
    );
  });

  it("leaves out what it does not know, wherever it is, and the strict one refuses it", () => {
    let seen = 0;
    fc.assert(
      fc.property(sample, (it) => {
        const { schema, value, polluted } = it;
        assert.deepEqual(tolerant(schema).parse(polluted), schema.parse(value));
        if (!differs(it)) return;
        seen++;
        assert.equal(schema.safeParse(polluted).success, false);
      }),
      { numRuns: 1_000 },
    );
    assert.ok(seen > 50, `only ${seen} of them had unknown fields`);
  });

  it("refuses what the strict one refuses for more than unknown fields", () => {
    fc.assert(
      fc.property(sample, fc.anything(), ({ schema }, anything) => {
        const strict = schema.safeParse(anything);
        const found = tolerant(schema).safeParse(anything);
        if (strict.success) {
          assert.deepEqual(found, strict);
          return;
        }
        if (strict.error.issues.every((it) => it.code === "invalid_type")) assert.equal(found.success, false);
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuses what is missing, of another type, or no value of an enum", () => {
    const schema = z.strictObject({
      status: z.enum(["open", "shut"]),
      lines: z.array(z.strictObject({ sku: z.string(), quantity: z.int().min(1) })),
      hold: z.discriminatedUnion("is", [
        z.strictObject({ is: z.literal("asked") }),
        z.strictObject({ is: z.literal("held"), generation: z.int() }),
      ]),
    });
    const good = { status: "open", lines: [{ sku: "a", quantity: 1 }], hold: { is: "asked" } };
    const takes = (value: unknown) => tolerant(schema).safeParse(value).success;
    assert.ok(takes({ ...good, more: 1 }));
    for (const bad of [
      { ...good, status: "ajar" },
      { ...good, lines: [{ sku: "a" }] },
      { ...good, lines: [{ sku: "a", quantity: 0, more: 1 }] },
      { ...good, hold: { is: "lost" } },
      { ...good, hold: { is: "held" } },
      { status: "open", lines: [] },
      [],
      null,
    ])
      assert.equal(takes(bad), false, JSON.stringify(bad));
  });

  it("goes through objects that are of their own type", () => {
    const node = z.strictObject({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });
    const leaf = { name: "leaf", children: [], more: 1 };
    assert.deepEqual(tolerant(node).parse({ name: "root", children: [leaf], other: 2 }), {
      name: "root",
      children: [{ name: "leaf", children: [] }],
    });
    type Tree = { at?: Tree };
    const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ at: tree.optional() }));
    assert.deepEqual(tolerant(tree).parse({ at: { at: {}, x: 1 }, y: 2 }), { at: { at: {} } });
  });

  it("joins an intersection's halves, each of which knows its own fields", () => {
    const both = z.intersection(z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() }));
    assert.deepEqual(tolerant(both).parse({ a: 1, b: 2, c: 3 }), { a: 1, b: 2 });
  });

  it("keeps what an open object takes in, and made defaults", () => {
    const open = z.looseObject({ a: z.strictObject({ b: z.int() }) });
    assert.deepEqual(tolerant(open).parse({ a: { b: 1, c: 2 }, d: 3 }), { a: { b: 1 }, d: 3 });
    let made = 0;
    const counted = z.strictObject({ n: z.strictObject({ a: z.int() }).default(() => ({ a: ++made })) });
    assert.deepEqual(tolerant(counted).parse({ x: 1 }), { n: { a: 1 } });
    assert.deepEqual(tolerant(counted).parse({}), { n: { a: 2 } });
  });

  it("is made once", () => {
    const schema = z.strictObject({ a: z.array(z.strictObject({})) });
    assert.equal(tolerant(schema), tolerant(schema));
    assert.equal(tolerant(tolerant(schema)), tolerant(schema));
    const leaf = z.string();
    assert.equal(tolerant(leaf), leaf);
  });

  it("does not guess which object of a union is meant", () => {
    const one = z.strictObject({ a: z.int() });
    const two = z.strictObject({ a: z.int(), b: z.int().optional() });
    assert.throws(() => tolerant(z.union([one, two.optional()])), /discriminator/);
    assert.doesNotThrow(() => tolerant(z.union([one, z.string()])));
  });

  it("can be made of every contract and every actor's state", async () => {
    for (const schema of Object.values(await actorStates())) tolerant(schema).safeParse({});

    for (const { actions, messages } of core.contracts) {
      for (const { params, returns } of Object.values(actions)) {
        tolerant(params);
        tolerant(returns).safeParse({});
      }
      for (const { data } of Object.values(messages)) tolerant(data).safeParse({});
    }
  });
});
