/** What is wrong with a request or a variable, in words for people. */
import assert from "node:assert/strict";
import { z } from "zod";
import { validationFailure } from "../../../broker/contract/check-request.ts";
import {
  date,
  flag,
  id,
  limit,
  line,
  money,
  quantity,
  slug,
  time,
} from "../../../broker/contract/schemas.ts";
import { IN_SENTENCES } from "../../../broker/contract/sentences.ts";
import {
  ConfigError,
  defineConfig,
  parseVariables,
  secret,
  url,
  whole,
} from "../../../broker/contract/variables.ts";
import core from "../../../services/index.ts";

/** @returns `field: sentence`, one for each */
function told(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value, IN_SENTENCES);
  const { data } = validationFailure(error ?? assert.fail("it fits")) as { data: { errors: object[] } };
  return data.errors.map((it) => Object.values(it).join(": "));
}

/** What zod and JavaScript say, and people do not. */
const NOT_FOR_PEOPLE =
  /Invalid|expected|received \w|undefined|NaN|Too (?:small|big)|Unrecognized|>=|<=|\[object|pattern/;

describe("A field that does not fit is told in a sentence", () => {
  const cases: [string, z.ZodType, unknown, string][] = [
    ["a missing text", z.string(), undefined, "is required"],
    ["a missing number", z.int(), undefined, "is required"],
    ["a missing choice", z.enum(["a", "b"]), undefined, "is required: one of a, b"],
    ["a missing id", id, undefined, "is required"],
    ["a missing time", time, undefined, "is required"],
    ["a missing day", date, undefined, "is required"],
    ["a missing alternative", z.union([id, slug]), undefined, "is required"],
    ["no text", z.string(), 1, "must be text"],
    ["no number", z.number(), "1", "must be a number"],
    ["no number in a query", limit, "abc", "must be a number"],
    ["half a piece", quantity, 1.5, "must be a whole number"],
    ["no list", z.array(z.string()), {}, "must be a list"],
    ["no object", money, [], "must be an object"],
    ["null", z.string(), null, "must be text"],
    ["no flag", flag, "maybe", "must be true or false"],
    ["no choice", z.enum(["a", "b"]), "c", "must be one of a, b"],
    ["not the one", z.literal("a"), "b", "must be a"],
    ["too short", z.string().min(20), "short", "must be at least 20 characters"],
    ["empty", line(10), "", "must not be empty"],
    ["too long", line(10), "a".repeat(11), "must be at most 10 characters"],
    ["of another length", z.string().length(3), "ab", "must be exactly 3 characters"],
    ["too little", quantity, 0, "must be at least 1"],
    ["too much", quantity, 1_000, "must be at most 999"],
    ["not more", z.number().gt(0), 0, "must be more than 0"],
    ["too few", z.array(z.string()).min(2), ["a"], "must have at least 2 items"],
    ["none", z.array(z.string()).min(1), [], "must not be empty"],
    ["too many", z.array(z.string()).max(1), ["a", "b"], "must have at most 1 item"],
    ["no multiple", z.number().multipleOf(5), 3, "must be a multiple of 5"],
    ["another form", z.email(), "x", "must be an e-mail address"],
    ["another pattern", z.string().regex(/^a$/), "b", "has a form that is not taken here"],
    ["another beginning", z.string().startsWith("x-"), "b", "must begin with x-"],
    ["neither", z.union([id, slug]), "A B", "must be a UUIDv7, or must be lower-case words joined by -"],
    [
      "another kind",
      z.discriminatedUnion("type", [z.object({ type: z.literal("a") }), z.object({ type: z.literal("b") })]),
      { type: "c" },
      "must be one of a, b",
    ],
    ["by code, without words", z.string().refine(() => false), "a", "is not right"],
  ];
  for (const [what, schema, value, sentence] of cases)
    it(`${what}: ${sentence}`, () => {
      const [first = ""] = told(z.object({ it: schema }), { it: value });
      assert.match(first, /^it/);
      assert.equal(first.replace(/^it[.\w]*: /, ""), sentence);
    });

  it("and names: unknown fields, and fields of other names", () => {
    assert.deepEqual(told(money, { amount: 1, currency: "USD", $where: 1 }), ["$where: is not known here"]);
    const keyed = z.object({ options: z.record(z.string().max(2), z.string()) });
    assert.deepEqual(told(keyed, { options: { long: "x" } }), [
      "options.long: must have another name, which must be at most 2 characters",
    ]);
  });

  it("whatever a route is sent instead of what it takes", () => {
    let sentences = 0;
    for (const { actions } of core.contracts)
      for (const { params, rest } of Object.values(actions)) {
        if (!rest || !(params instanceof z.ZodObject)) continue;
        for (const wrong of [
          undefined,
          null,
          0,
          -1.5,
          "",
          "\u0000",
          "x".repeat(20_000),
          [],
          {},
          [{}],
          true,
        ]) {
          const given = Object.fromEntries(Object.keys(params.shape).map((it) => [it, wrong]));
          for (const it of params.safeParse(given, IN_SENTENCES).error?.issues ?? []) {
            if (it.code === "unrecognized_keys") continue;
            assert.doesNotMatch(it.message, NOT_FOR_PEOPLE, `${rest} ${it.path.join(".")}`);
            assert.ok(it.message.length < 300, it.message);
            sentences++;
          }
        }
      }
    assert.ok(sentences > 300, String(sentences));
  });
});

describe("A variable that does not fit is told in a sentence", () => {
  const { variables, secrets } = defineConfig(
    {
      DOORS: whole(1, 9).optional(),
      COLOUR: z.enum(["red", "blue"]).optional(),
      ADDRESS: url("https"),
      NEEDED: z.string(),
      KEY: secret.optional(),
    },
    ["KEY"],
  );
  const toldOf = (env: Record<string, string>): string => {
    try {
      parseVariables({ variables, secrets }, { NEEDED: "1", ...env });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return assert.fail("it fits");
  };

  it("with what was given", () => {
    assert.equal(toldOf({ DOORS: "many" }), 'DOORS: must be a number, not "many"');
    assert.equal(toldOf({ DOORS: "10" }), 'DOORS: must be at most 9, not "10"');
    assert.equal(toldOf({ COLOUR: "green" }), 'COLOUR: must be one of red, blue, not "green"');
    assert.equal(toldOf({ NEEDED: "" }), "NEEDED: is required");
    assert.equal(toldOf({ DOORS: "a\u001b[2J\nb" }), 'DOORS: must be a number, not "a\\\\u001b[2J b"');
    assert.ok(toldOf({ DOORS: "x".repeat(10_000) }).length < 200);
  });

  it("without secrets", () => {
    assert.equal(toldOf({ KEY: "short-secret" }), "KEY: must have at least 16 characters");
    const address = "http://ann:hunter2-hunter2@x.example/?token=abcdefgh";
    const line = toldOf({ ADDRESS: address });
    assert.match(line, /^ADDRESS: must start with https:\/\/, not "http:\/\//);
    assert.doesNotMatch(line, /hunter2|abcdefgh/);
  });
});
