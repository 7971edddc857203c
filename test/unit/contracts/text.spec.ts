/** Text in contracts: text from people is cleaned in one place, before any other use. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { line, text } from "../../../broker/contract/schemas.ts";
import { cleanLine, cleanText } from "../../../broker/contract/values/text.ts";
import core from "../../../services/index.ts";
import { textSchemas } from "../../support/schemas/string-schemas.ts";

/** Blanks around it, two characters for é, what turns text around, more marks than any letter has. */
const WRITTEN = ` Zoe\u0301\u200f \u202ecba\u2069 ${`x${"\u0301\u0323".repeat(30)}`} `;
/** Fields that are compared as they are and never shown. */
const SECRETS =
  /(?:^|\.)(?:password|currentPassword|newPassword|token|refreshToken|key|body|headers(?:\.\(name\))?)$/;

/** What may be written in both directions. */
const MANY_LINES = /(?:^|\.)description$/;

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        "a",
        " ",
        "\u0301",
        "\u0323",
        "\u0344",
        "\uff9e",
        "\u202e",
        "\u2066",
        "\u2028",
        "\ud800",
        "é",
      ),
      { maxLength: 120 },
    )
    .map((it) => it.join("")),
  fc.constantFrom("\u0301", "\u0323", "\u0344", "\u{1d165}").map((it) => `a${it.repeat(100)}`),
);

describe("Text", () => {
  it("has one form: made clean once more, it stays as it is", () => {
    fc.assert(
      fc.property(anyText, (it) => {
        for (const clean of [cleanText, cleanLine]) {
          const once = clean(it);
          assert.equal(clean(once), once);
          assert.ok(once.isWellFormed());
          assert.equal(once.normalize("NFC"), once);
          assert.equal(once.trim(), once);
        }
        assert.doesNotMatch(cleanLine(it), /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it("of plain letters is what was written; so are composed ones, joiners and emoji", () => {
    for (const it of ["Ann", "Zoë", "Nguyễn Thị Ánh", "שלום", "ক্ষ", "می‌خواهم", "👩‍👩‍👧", "東京都"])
      assert.deepEqual([cleanLine(it), cleanText(it)], [it, it]);
    assert.equal(cleanLine(" Zoe\u0308 \u202eX\u2069\u200f\u{1f600} "), "Zoë X😀");
    assert.equal(cleanText("one\r\ntwo \u202bthree\u202c"), "one\r\ntwo \u202bthree\u202c");
  });

  it("is measured as it is kept", () => {
    assert.equal(line(3).parse("  e\u0301e\u0301e\u0301\u202e "), "ééé");
    assert.ok(!line(2).safeParse("e\u0301e\u0301e\u0301").success);
    assert.ok(!line(5).safeParse("\u200f \u202e").success, "nothing is left");
    assert.ok(!line(5).safeParse("a\u0007b").success);
    assert.equal(text(2).parse("e\u0301\n"), "é");
  });

  it("is clean wherever a route takes it", () => {
    const taken: string[] = [];
    for (const { service, actions } of core.contracts)
      for (const [name, { params, rest }] of Object.entries(actions)) {
        if (!rest) continue;
        for (const { path, schema } of textSchemas(params)) {
          const parsed = schema.safeParse(WRITTEN);
          // A path parameter names something and is not stored.
          if (!parsed.success || SECRETS.test(path) || rest.includes(`:${path}`)) continue;
          taken.push(`${service}.${name}: ${path}`);
          const clean = MANY_LINES.test(path) ? cleanText : cleanLine;
          assert.equal(parsed.data, clean(String(parsed.data)), `${service}.${name}: ${path}`);
        }
      }
    assert.ok(taken.length > 20, String(taken));
  });
});
