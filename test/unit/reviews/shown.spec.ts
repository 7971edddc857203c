import assert from "node:assert/strict";
import fc from "fast-check";
import { shownText } from "../../../services/reviews/shown-text.ts";
import { shownName } from "../../../services/reviews/writing/shown-name.ts";

describe("the name beside a review", () => {
  const cases: [name: string, shown: string | null][] = [
    ["Ann", "Ann"],
    ["Ann Example", "Ann E."],
    ["  Ann   Mary  Example ", "Ann E."],
    ["Åsa Öberg", "Åsa Ö."],
    ["王小明", "王**"],
    ["김 민준", "김 민."],
    ["ann@example.com", null],
    ["Ann ann@example.com", null],
    ["محمد علي", "محمد ع."],
    ["👩‍👩‍👧 X", "👩‍👩‍👧 X."],
    ["", null],
  ];
  for (const [name, shown] of cases)
    it(`of ${JSON.stringify(name)} is ${JSON.stringify(shown)}`, () => assert.equal(shownName(name), shown));

  it("is short and well-formed, whatever the account's is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        const shown = shownName(name) ?? "";
        return shown.length <= 40 && shown.isWellFormed() && !shown.includes("@");
      }),
      { numRuns: 50 },
    );
  });
});

describe("the text of a review", () => {
  it("keeps its lines and any script, and loses what nobody sees", () => {
    assert.equal(shownText("a\r\nb\rc\u2028d"), "a\nb\nc\nd");
    assert.equal(shownText("\u202eevil\u202c \u0000\u0007ok\tthere"), "evil ok\tthere");
    assert.equal(shownText("می‌خواهم 👩‍👩‍👧"), "می‌خواهم 👩‍👩‍👧");
    // Markup is text like any other. Pages escape it.
    assert.equal(shownText("<script>alert(1)</script>"), "<script>alert(1)</script>");
  });

  it("does not change when it is cleaned again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const once = shownText(text);
        return shownText(once) === once && !/[\u202a-\u202e\u2066-\u2069]|[^\P{Cc}\t\n]/u.test(once);
      }),
    );
  });
});
