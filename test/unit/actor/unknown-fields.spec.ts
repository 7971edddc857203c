import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { withUnknown } from "../../../broker/actor/runtime/document/unknown-fields.ts";
import { tolerant } from "../../../broker/contract/tolerant.ts";

const line = z.strictObject({ sku: z.string(), quantity: z.int() });
const state = z.strictObject({
  status: z.enum(["open", "paid"]),
  total: z.strictObject({ amount: z.int(), currency: z.string() }),
  lines: z.array(line),
  holds: z.record(
    z.string(),
    z.discriminatedUnion("status", [
      z.strictObject({ status: z.literal("asked") }),
      z.strictObject({ status: z.literal("held"), generation: z.int() }),
    ]),
  ),
  history: z.array(z.strictObject({ status: z.string(), at: z.int() })),
  paidBy: z.string().nullable(),
  checks: z.int().default(0),
});
type State = z.output<typeof state>;

const stored = {
  status: "open",
  gift: { note: "Happy birthday" },
  total: { amount: 300, currency: "USD", tax: 57 },
  lines: [
    { sku: "a", quantity: 1, image: "a.png" },
    { sku: "b", quantity: 2, image: "b.png", options: { size: "L" } },
  ],
  holds: {
    a: { status: "asked", warehouse: "north" },
    b: { status: "held", generation: 1, warehouse: "south" },
  },
  history: [{ status: "open", at: 1, by: "ann" }],
  paidBy: null,
};
const known = (): State => tolerant(state).parse(stored);

describe("A stored state with fields that are not known here", () => {
  it("is what it was where nothing has changed", () => {
    const it = known();
    assert.equal(withUnknown(stored, it, it), stored);
  });

  it("keeps them beside what has changed, at every depth", () => {
    const before = known();
    const next: State = {
      ...before,
      status: "paid",
      total: { ...before.total, amount: 400 },
      lines: before.lines.map((it) => (it.sku === "b" ? { ...it, quantity: 3 } : it)),
      holds: { ...before.holds, a: { status: "held", generation: 2 } },
      history: [...before.history, { status: "paid", at: 2 }],
      checks: 1,
    };
    assert.deepEqual(withUnknown(stored, before, next), {
      ...stored,
      status: "paid",
      total: { amount: 400, currency: "USD", tax: 57 },
      lines: [stored.lines[0], { ...stored.lines[1], quantity: 3 }],
      holds: { a: { status: "held", generation: 2, warehouse: "north" }, b: stored.holds.b },
      history: [stored.history[0], { status: "paid", at: 2 }],
      checks: 1,
    });
  });

  it("loses them with what is taken away, and gives them to nothing else", () => {
    const before = known();
    const [, second] = before.lines;
    assert.ok(second);
    const next: State = { ...before, lines: [second, { sku: "c", quantity: 1 }], holds: {}, history: [] };
    assert.deepEqual(withUnknown(stored, before, next), {
      ...stored,
      lines: [stored.lines[1], { sku: "c", quantity: 1 }],
      holds: {},
      history: [],
      checks: 0,
    });
  });

  it("is in all that is known here what was decided, whatever that is", () => {
    const states = fc
      .record({
        status: fc.constantFrom("open" as const, "paid" as const),
        total: fc.record({ amount: fc.integer(), currency: fc.string() }),
        lines: fc.array(fc.record({ sku: fc.constantFrom("a", "b", "c"), quantity: fc.integer() }), {
          maxLength: 4,
        }),
        holds: fc.dictionary(
          fc.constantFrom("a", "b", "c"),
          fc.oneof(
            fc.constant({ status: "asked" as const }),
            fc.record({ status: fc.constant("held" as const), generation: fc.integer() }),
          ),
        ),
        history: fc.array(fc.record({ status: fc.string(), at: fc.integer() }), { maxLength: 3 }),
        paidBy: fc.option(fc.string()),
        checks: fc.integer(),
      })
      // As parsing makes them: without null prototypes.
      .map((it) => structuredClone(it));
    const more = fc.dictionary(fc.constantFrom("zz1", "zz2"), fc.integer(), { noNullPrototype: true });
    const polluted = fc
      .tuple(states, fc.array(more, { minLength: 8, maxLength: 8 }))
      .map(([it, [a = {}, b = {}, c = {}, d = {}]]) => ({
        ...it,
        ...a,
        total: { ...it.total, ...b },
        lines: it.lines.map((one) => ({ ...one, ...c })),
        holds: Object.fromEntries(Object.entries(it.holds).map(([key, one]) => [key, { ...one, ...d }])),
      }));
    fc.assert(
      fc.property(polluted, states, fc.subarray(Object.keys(state.shape)), (from, to, changed) => {
        const before = tolerant(state).parse(from);
        const next = { ...before } as Record<string, unknown>;
        for (const field of changed) next[field] = to[field as keyof typeof to];
        const result = withUnknown(from, before, next) as Record<string, unknown>;
        assert.deepEqual(tolerant(state).parse(result), next);
        for (const key of Object.keys(from)) {
          if (key.startsWith("zz")) assert.deepEqual(result[key], (from as Record<string, unknown>)[key]);
          else if (!changed.includes(key)) assert.equal(result[key], (from as Record<string, unknown>)[key]);
        }
        if (changed.includes("total"))
          for (const [key, value] of Object.entries(from.total))
            if (key.startsWith("zz")) assert.deepEqual((result.total as Record<string, unknown>)[key], value);
      }),
      { numRuns: 500 },
    );
  });
});
