import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonCopy } from "../../../broker/bus/local/json-copy.ts";
import { checkEnvelope, envelopeOf } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { testMessage } from "../../support/bus/bus-contract.ts";

const text = (max: number) => fc.string({ unit: "grapheme", minLength: 1, maxLength: max });
const data = fc.record(
  { n: fc.maxSafeInteger(), pad: fc.string({ unit: "binary" }) },
  { requiredKeys: ["n"] },
);
const options = fc.record(
  {
    source: text(50),
    at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    id: fc.uuid(),
    correlationid: text(60),
    traceparent: text(20),
  },
  { requiredKeys: ["source", "at"] },
);

describe("An envelope", () => {
  it("comes through JSON and the receiver's check as it was made", () => {
    fc.assert(
      fc.property(text(60), data, options, (subject, payload, made) => {
        const sent = envelopeOf({ type: "bustest.poke", subject, data: payload }, made);
        assert.deepEqual(checkEnvelope(JSON.parse(JSON.stringify(sent))), sent);
        assert.equal(sent.time, new Date(made.at).toISOString());
      }),
    );
  });

  it("carries on the correlation and trace of its cause, and names it", () => {
    const cause = { id: newId(), correlationid: "the-order", traceparent: "00-trace" };
    const sent = envelopeOf(
      { type: "bustest.poke", subject: "x", data: { n: 1 } },
      { source: "/t", at: 0, cause },
    );
    assert.equal(sent.correlationid, "the-order");
    assert.equal(sent.traceparent, "00-trace");
    assert.equal(sent.causationid, cause.id);
  });

  it("is taken with more than is known here, and refused where it is made", () => {
    const good = testMessage("bustest.poke", "x", { n: 1 });
    assert.deepEqual(checkEnvelope(good), good);
    assert.deepEqual(checkEnvelope({ ...good, extra: 1, data: { n: 1, more: { than: "known" } } }), good);
    assert.throws(() =>
      envelopeOf({ type: "bustest.poke", subject: "x", data: { n: 1, more: 2 } }, { source: "/t", at: 0 }),
    );
  });

  it("is refused with a bad id, an unknown type or data that does not fit", () => {
    const good = testMessage("bustest.poke", "x", { n: 1 });
    const bad: unknown[] = [
      { ...good, id: "1" },
      { ...good, type: "bustest.nonsense" },
      { ...good, data: { n: 1.5 } },
      { ...good, data: { more: 2 } },
      { ...good, time: "yesterday" },
      { ...good, specversion: "0.3" },
      null,
      "text",
    ];
    for (const it of bad) assert.throws(() => checkEnvelope(it));
  });
});

describe("A copy as JSON would make it", () => {
  it("equals a trip through JSON text, for whatever there is", () => {
    const anything = fc.anything({
      withDate: true,
      withNullPrototype: true,
      withSparseArray: true,
      key: fc.oneof(fc.string(), fc.constant("toString"), fc.constant("length")),
    });
    fc.assert(
      fc.property(fc.record({ it: anything }), (value) => {
        let expected: unknown;
        try {
          expected = JSON.parse(JSON.stringify(value));
        } catch {
          assert.throws(() => jsonCopy(value));
          return;
        }
        assert.deepEqual(jsonCopy(value), expected);
      }),
      { numRuns: 500 },
    );
  });

  it("shares nothing with the original", () => {
    const original = { list: [{ deep: { n: 1 } }] };
    const copy = jsonCopy(original) as typeof original;
    original.list[0]!.deep.n = 2;
    assert.deepEqual(copy, { list: [{ deep: { n: 1 } }] });
  });
});
