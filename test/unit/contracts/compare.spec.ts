import assert from "node:assert/strict";
import { z } from "zod";
import { addConditions } from "../../../broker/contract/conditions.ts";
import { contractBreaks } from "../../../scripts/support/contracts/compare.ts";
import { type Role, schemaBreaks } from "../../../scripts/support/contracts/compare-schemas.ts";
import type { ActionSnapshot, Schema, Shape, Snapshot } from "../../../scripts/support/contracts/snapshot.ts";

const json = (schema: z.ZodType, io: "input" | "output" = "output") =>
  z.toJSONSchema(schema, {
    io,
    override: ({ zodSchema, jsonSchema }) => addConditions(zodSchema, jsonSchema),
  }) as Schema;
const object = z.strictObject;

/** Before, after, and what breaks for what is taken and what is sent; an empty text where nothing does. */
type Pair = readonly [
  what: string,
  before: z.ZodType,
  after: z.ZodType,
  taken: RegExp | "",
  sent: RegExp | "",
];

const a = z.string();
const pairs: readonly Pair[] = [
  ["the same", object({ a, n: z.int() }), object({ n: z.int(), a }), "", ""],
  ["an optional field more", object({ a }), object({ a, b: a.optional() }), "", ""],
  ["a required field more", object({ a }), object({ a, b: a }), /^b: is required now$/, ""],
  ["a field with a default more", object({ a }), object({ a, b: a.default("") }), "", ""],
  ["a required field less", object({ a, b: a }), object({ a }), /^b: is not taken any more$/, /^b: is gone$/],
  [
    "an optional field less",
    object({ a, b: a.optional() }),
    object({ a }),
    /^b: is not taken/,
    /^b: is gone$/,
  ],
  ["a field that must be there", object({ a: a.optional() }), object({ a }), /^a: is required now$/, ""],
  ["a field that may be missing", object({ a }), object({ a: a.optional() }), "", /^a: may be missing now$/],
  [
    "another type",
    object({ a }),
    object({ a: z.int() }),
    /^a: string became integer$/,
    /^a: integer was string$/,
  ],
  ["numbers for integers", z.int(), z.number(), "", /number was integer/],
  ["integers for numbers", z.number(), z.int(), /number became integer/, ""],
  ["null as well", object({ a }), object({ a: a.nullable() }), "", /^a: may now be null$/],
  ["null no more", object({ a: a.nullable() }), object({ a }), /^a: no longer takes null$/, ""],
  ["a value of an enum more", z.enum(["x"]), z.enum(["x", "y"]), "", /may now be "y"/],
  ["a value of an enum less", z.enum(["x", "y"]), z.enum(["x"]), /no longer takes "y"/, ""],
  ["an enum for any text", z.string(), z.enum(["x"]), /takes only \["x"\]/, ""],
  ["any text for an enum", z.enum(["x"]), z.string(), "", /was only \["x"\]/],
  ["literals for an enum", z.enum(["x", "y"]), z.union([z.literal("y"), z.literal("x")]), "", ""],
  ["a longer text", a.max(10), a.max(20), "", /maxLength was 10, is 20/],
  ["a shorter text", a.max(20), a.max(10), /maxLength was 20, is 10/, ""],
  ["a limit where there was none", a, a.max(10), /maxLength was open, is 10/, ""],
  ["no limit any more", a.max(10), a, "", /maxLength was 10, is open/],
  ["a higher minimum", z.int().min(0), z.int().min(1), /minimum was 0, is 1/, ""],
  ["a lower minimum", z.int().min(1), z.int().min(0), "", /minimum was 1, is 0/],
  ["a pattern where there was none", a, a.regex(/^x/), /pattern was open/, ""],
  ["another pattern", a.regex(/^x/), a.regex(/^y/), /pattern was/, /pattern was/],
  [
    "a pattern written for more languages",
    a.regex(/^[^\p{Cc}]*\d$/u),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the same in other words
    a.regex(/^[^\x00-\x1f\x7f-\x9f]*[0-9]$/),
    "",
    "",
  ],
  ["another format", z.uuid(), z.email(), /format was "uuid", is "email"/, /format was "uuid", is "email"/],
  [
    "a condition more",
    object({ a }),
    object({ a }).refine(() => true, "a is free"),
    /^it: has a new condition "a is free"$/,
    "",
  ],
  [
    "a condition less",
    object({ a: a.refine(() => true, "is free") }),
    object({ a }),
    "",
    /^a: has no more the condition "is free"$/,
  ],
  ["the same condition", a.refine(() => true, "is free"), a.refine(() => false, "is free"), "", ""],
  ["fewer items", z.array(a).max(5), z.array(a).max(3), /maxItems was 5, is 3/, ""],
  ["other items", z.array(a), z.array(z.int()), /^\[\]: string became/, /^\[\]: integer was/],
  [
    "a field more in items",
    z.array(object({ a })),
    z.array(object({ a, b: a })),
    /^\[\]\.b: is required/,
    "",
  ],
  [
    "a field less in items",
    object({ l: z.array(object({ a, b: a })) }),
    object({ l: z.array(object({ a })) }),
    /^l\[\]\.b: is not taken/,
    /^l\[\]\.b: is gone/,
  ],
  ["another length of a tuple", z.tuple([a]), z.tuple([a, a]), /number of items/, /number of items/],
  ["another item of a tuple", z.tuple([a, a]), z.tuple([a, z.int()]), /^\[1\]: string/, /^\[1\]: integer/],
  ["other values in a map", z.record(a, z.int()), z.record(a, a), /^\*: integer/, /^\*: string/],
  ["other keys in a map", z.record(a, a), z.record(a.max(3), a), /maxLength was open/, ""],
  ["a map for an object", object({ a }), z.record(a, a), "", /any field/],
  [
    "an object for a map",
    z.record(a, a),
    object({ a: a.optional() }),
    /no longer takes any field/,
    /^a: is gone|/,
  ],
  ["anything for something", object({ a }), object({ a: z.unknown() }), "", /^a: was string|may be missing/],
  [
    "something for anything",
    object({ a: z.unknown() }),
    object({ a }),
    /^a: (takes only string|is required now)/,
    "",
  ],
];

/** A snapshot that may be changed. */
interface Draft {
  messages: Record<string, { kind: string; subject: string; data: Shape }>;
  actions: Record<string, { -readonly [K in keyof ActionSnapshot]: ActionSnapshot[K] }>;
  receivers: Record<string, { receives: string[]; partitions?: number }>;
  states: Record<string, Shape>;
}

const shape = (schema: z.ZodType) => ({ taken: json(schema, "input"), sent: json(schema) });

describe("Two schemas of different releases", () => {
  for (const [what, before, after, taken, sent] of pairs)
    it(`with ${what}`, () => {
      const roles: [Role, RegExp | ""][] = [
        ["taken", taken],
        ["sent", sent],
      ];
      for (const [role, expected] of roles) {
        const io = role === "taken" ? "input" : "output";
        const found = schemaBreaks(json(before, io), json(after, io), role);
        if (expected === "") assert.deepEqual(found, [], role);
        else assert.match(found.join("\n") || "nothing", expected, role);
      }
    });

  const held = object({ is: z.literal("held"), n: z.int() });
  const asked = object({ is: z.literal("asked") });

  it("are compared alternative by alternative", () => {
    const before = json(z.discriminatedUnion("is", [held, asked]));
    const more = json(z.discriminatedUnion("is", [held, asked, object({ is: z.literal("sold") })]));
    const other = json(z.discriminatedUnion("is", [held.extend({ n: z.string() }), asked]));
    assert.deepEqual(schemaBreaks(before, more, "taken"), []);
    assert.match(schemaBreaks(before, more, "sent").join(), /may now be object is="sold"/);
    assert.match(schemaBreaks(more, before, "taken").join(), /no longer takes object is="sold"/);
    assert.deepEqual(schemaBreaks(more, before, "sent"), []);
    assert.deepEqual(schemaBreaks(before, other, "taken"), ["n: integer became string"]);
    assert.deepEqual(schemaBreaks(before, other, "sent"), ["n: string was integer"]);
  });

  it("may be of their own type", () => {
    const tree = (leaf: z.ZodType) => {
      const node: z.ZodType = z.lazy(() => object({ leaf, children: z.array(node) })).meta({ id: "Tree" });
      const schema = json(object({ root: node }));
      z.globalRegistry.remove(node);
      return schema;
    };
    assert.deepEqual(schemaBreaks(tree(a), tree(a), "taken"), []);
    assert.match(schemaBreaks(tree(a), tree(z.int()), "taken").join(), /^root\.leaf: string became integer/);
  });

  it("may be intersections", () => {
    const both = json(z.intersection(object({ a }), object({ b: a })));
    assert.deepEqual(schemaBreaks(both, json(object({ a, b: a })), "taken"), []);
    assert.deepEqual(schemaBreaks(both, json(object({ a })), "sent"), ["b: is gone"]);
  });
});

describe("The contracts of two releases", () => {
  const before: Snapshot = {
    version: "1.0.0",
    messages: { "door.open": { kind: "command", subject: "door", data: shape(object({ a })) } },
    actions: {
      "doors.get": {
        rest: "GET /doors/:id",
        auth: "customer",
        params: json(object({ id: a })),
        returns: json(object({ id: a, open: z.boolean() })),
      },
      "doors.find": { params: json(object({})), returns: json(object({})) },
    },
    receivers: { door: { receives: ["door.open", "door.shut"], partitions: 4 } },
    states: { door: shape(object({ status: z.enum(["open", "shut"]), count: z.int().default(0) })) },
  };
  const breaks = (change: (it: Snapshot) => void) => {
    const after = structuredClone(before);
    change(after);
    return contractBreaks(before, after);
  };
  const set = (change: (it: Draft) => void) => breaks((it: object) => change(it as Draft));

  it("are the same where nothing has changed", () => {
    assert.deepEqual(
      breaks(() => undefined),
      [],
    );
  });

  it("may have more in the later one", () => {
    const found = set((it) => {
      it.messages["door.lock"] = { kind: "command", subject: "door", data: shape(object({})) };
      it.actions["doors.lock"] = { rest: "POST /locks", auth: "admin", params: {}, returns: {} };
      it.receivers.lock = { receives: ["door.lock"] };
      it.states.lock = shape(object({}));
      it.receivers.door?.receives.push("door.lock");
      it.actions["doors.get"]!.auth = "public";
      it.actions["doors.find"]!.rest = "GET /doors";
    });
    assert.deepEqual(found, []);
  });

  const cases: [string, (it: Draft) => void, string][] = [
    ["a message", (it) => delete it.messages["door.open"], "message door.open: is gone"],
    [
      "another kind of message",
      (it) => {
        it.messages["door.open"]!.kind = "event";
      },
      "message door.open: kind was command, is event",
    ],
    [
      "another subject",
      (it) => {
        it.messages["door.open"]!.subject = "house";
      },
      "message door.open: subject was door, is house",
    ],
    [
      "other data",
      (it) => {
        it.messages["door.open"]!.data = shape(object({ a: z.int() }));
      },
      "message door.open: a: string became integer",
    ],
    ["an action", (it) => delete it.actions["doors.find"], "action doors.find: is gone"],
    [
      "a route",
      (it) => delete it.actions["doors.get"]!.rest,
      "action doors.get: route was GET /doors/:id, is none",
    ],
    [
      "another route",
      (it) => {
        it.actions["doors.get"]!.rest = "GET /gates/:id";
      },
      "action doors.get: route was GET /doors/:id, is GET /gates/:id",
    ],
    [
      "a stricter audience",
      (it) => {
        it.actions["doors.get"]!.auth = "staff";
      },
      "action doors.get: was for customer, is for staff",
    ],
    [
      "another status",
      (it) => {
        it.actions["doors.get"]!.status = 201;
      },
      "action doors.get: status was none, is 201",
    ],
    [
      "a key that is needed",
      (it) => {
        it.actions["doors.get"]!.idempotent = "required";
      },
      "action doors.get: needs an Idempotency-Key now",
    ],
    [
      "a parameter more",
      (it) => {
        it.actions["doors.get"]!.params = json(object({ id: a, x: a }));
      },
      "action doors.get: params x: is required now",
    ],
    [
      "a field less in the answer",
      (it) => {
        it.actions["doors.get"]!.returns = json(object({ id: a }));
      },
      "action doors.get: returns open: is gone",
    ],
    [
      "other partitions",
      (it) => {
        it.receivers.door!.partitions = 8;
      },
      "receiver door: partitions was 4, is 8",
    ],
    [
      "a type less that is received",
      (it) => {
        it.receivers.door!.receives = ["door.open"];
      },
      "receiver door: no longer receives door.shut",
    ],
    [
      "a status more",
      (it) => {
        it.states.door = shape(
          object({ status: z.enum(["open", "shut", "ajar"]), count: z.int().default(0) }),
        );
      },
      'state door: status: may now be "ajar"',
    ],
    [
      "a status less",
      (it) => {
        it.states.door = shape(object({ status: z.enum(["open"]), count: z.int().default(0) }));
      },
      'state door: status: no longer takes "shut"',
    ],
    [
      "a field more that states must have",
      (it) => {
        it.states.door = shape(
          object({ status: z.enum(["open", "shut"]), count: z.int().default(0), key: a }),
        );
      },
      "state door: key: is required now",
    ],
  ];
  for (const [what, change, expected] of cases)
    it(`tell of ${what}`, () => {
      assert.ok(set(change).includes(expected), `${expected} is not in:\n${set(change).join("\n")}`);
    });
});
