import assert from "node:assert/strict";
import fc from "fast-check";
import {
  guarded,
  listCell,
  optionsCell,
  optionsOf,
  unguarded,
  valuesOf,
} from "../../../services/imports/rows/cells.ts";

const text = fc.string({ unit: fc.constantFrom(..."=+-@'\t\r|\\a é緑") });
const filled = text.filter((it) => it !== "");

describe("cells of files", () => {
  it("never begin as a formula, and give back the text", () => {
    fc.assert(
      fc.property(text, (it) => {
        assert.doesNotMatch(guarded(it), /^[=+\-@\t\r]/);
        assert.equal(unguarded(guarded(it)), it);
      }),
    );
  });

  it("give back lists", () => {
    fc.assert(fc.property(fc.array(filled), (it) => assert.deepEqual(valuesOf(listCell(it)), it)));
  });

  it("give back options", () => {
    fc.assert(
      fc.property(fc.dictionary(filled, filled), (it) =>
        assert.deepEqual(optionsOf(optionsCell(it)), { ...it }),
      ),
    );
  });

  it("are no options without a name and a value, or with a name twice", () => {
    for (const cell of ["Colour", "a=b=c", "a=b|c", "a=b|a=c"])
      assert.equal(optionsOf(cell), undefined, cell);
  });
});
