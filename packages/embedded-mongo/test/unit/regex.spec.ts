/** Regular expressions have PCRE2's meaning (UTF, no UCP) in every engine, and take linear time. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { StoreError } from "../../src/errors.ts";
import { compileRegex } from "../../src/query/regex.ts";
import { forRe2, forV8 } from "../../src/regex/emit.ts";
import { parsePattern } from "../../src/regex/parse.ts";

const flagsOf = (options: string) => ({
  fold: options.includes("i"),
  multiline: options.includes("m"),
  dotAll: options.includes("s"),
  extended: options.includes("x"),
});

/** Pattern, options, text, and whether PCRE2 finds it. */
const cases: [string, string, string, boolean][] = [
  ["abc$", "", "abc\n", true],
  ["abc$", "", "abc\n\n", false],
  ["abc\\z", "", "abc\n", false],
  ["abc\\Z", "", "abc\n", true],
  ["^.$", "", "\u{1F600}", true],
  ["^.$", "", "\r", true],
  ["^.$", "", "\u2028", true],
  ["^.$", "", "\n", false],
  ["^.$", "s", "\n", true],
  ["^b", "", "a\nb", false],
  ["^b", "m", "a\nb", true],
  ["^b", "m", "a\rb", false],
  ["a$", "m", "a\nb", true],
  ["a$", "m", "a\rb", false],
  ["^$", "m", "a\n", false],
  ["^$", "m", "a\n\nb", true],
  ["(a$|b)", "", "a\n", true],
  ["(a$)?\\n$", "", "a\n", true],
  ["\\Ab", "m", "a\nb", false],
  ["STRASSE", "i", "strasse", true],
  ["é", "i", "É", true],
  ["\\d", "", "٣", false],
  ["^\\w+$", "", "é", false],
  ["a\\sb", "", "a\u00a0b", false],
  ["a\\sb", "", "a\vb", true],
  ["a\\hb", "", "a\u00a0b", true],
  ["^\\R$", "", "\r\n", true],
  ["^\\N$", "", "\n", false],
  ["^[[:alpha:]]+$", "", "abc", true],
  ["^[[:^alpha:]]+$", "", "123", true],
  ["^[]a]+$", "", "a]", true],
  ["^[^]a]$", "", "]", false],
  ["^[\\w-]+$", "", "a-b", true],
  ["^[\\d-z]+$", "", "1-z", true],
  ["^\\p{Lu}$", "", "Ä", true],
  ["^\\pL$", "", "ä", true],
  ["^\\P{L}$", "", "1", true],
  ["^\\p{^L}$", "", "1", true],
  ["^\\Qa.b\\E$", "", "a.b", true],
  ["^\\Qa.b\\E$", "", "axb", false],
  ["^a b # text\n c$", "x", "abc", true],
  ["^a\\ b[ ]c$", "x", "a b c", true],
  ["(?i)abc", "", "ABC", true],
  ["a(?i)b|c", "", "aB", true],
  ["a(?i)b|c", "", "C", true],
  ["a(?i:b)c", "", "aBC", false],
  ["(?<year>\\d{4})-(?P<m>\\d\\d)", "", "2026-11", true],
  ["a{,2}", "", "a{,2}", true],
  ["^x{2,3}$", "", "xxxx", false],
  ["a]b}c{", "", "a]b}c{", true],
  ["^\\x41\\x{1F600}\\101\\t$", "", "A\u{1F600}A\t", true],
  ["a++b", "", "aab", true],
  ["a++ab", "", "aab", false],
  ["^(?>a|ab)c$", "", "abc", false],
  ["a(?=b)", "", "ab", true],
  ["a(?!b)", "", "ab", false],
  ["(?<=a)b", "", "ab", true],
  ["(?<!a)b", "", "ab", false],
  ["a(?#comment)b", "", "ab", true],
  ["\\bé", "", "xé", true],
  ["^\\w$", "i", "\u212a", false],
];

describe("regular expressions", () => {
  for (const [pattern, options, text, found] of cases) {
    it(`/${pattern}/${options} ${found ? "finds" : "does not find"} ${JSON.stringify(text)}`, () => {
      assert.equal(compileRegex(pattern, options).test(text), found);
      const linear = forRe2(parsePattern(pattern, flagsOf(options)));
      if (linear !== undefined) assert.equal(RE2JS.compile(linear).test(text), found, `RE2: ${linear}`);
    });
  }

  it("refuses what it can't run as PCRE2 does", () => {
    const wrong = [
      ...[
        "(",
        ")",
        "[a",
        "*a",
        "a**",
        "\\",
        "[b-a]",
        "(?<1>a)",
        "a{3,2}",
        "[[:nope:]]",
        "\\x{110000}",
        "\\y",
      ],
      ...[
        "(a)\\1",
        "\\g{1}",
        "\\k<n>",
        "(?R)",
        "(?1)",
        "(?|a|b)",
        "(?(1)a)",
        "(*UTF)a",
        "\\X",
        "\\p{Greek}",
        "(?U)a",
      ],
    ];
    for (const pattern of wrong)
      assert.throws(() => compileRegex(pattern, ""), { code: 51091 }, `/${pattern}/ was taken`);
    assert.throws(() => compileRegex("a", "g"), { code: 51108 });
  });

  it("begin with the same text in both engines, and find the same", () => {
    const atom = fc.constantFrom(
      "a",
      "b",
      ".",
      "\\n",
      "[ab]",
      "[^a]",
      "\\w",
      "\\s",
      "^",
      "$",
      "\\b",
      "(?:a|bb)",
      "é",
    );
    const piece = fc.tuple(atom, fc.constantFrom("", "", "*", "+", "?", "{1,2}")).map(([a, q]) => a + q);
    const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
    const text = fc.array(fc.constantFrom("a", "b", "\n", " ", "é", "\u{1F600}"), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, fc.constantFrom("", "i", "m", "s", "ims"), text, (source, options, chars) => {
        const node = parsePattern(source, flagsOf(options));
        const linear = forRe2(node);
        if (linear === undefined) return;
        const value = chars.join("");
        assert.equal(
          RE2JS.compile(linear).test(value),
          forV8(node).test(value),
          `${linear} / ${forV8(node)}`,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("take time in proportion to the text", () => {
    const evil: [string, string][] = [
      ["a.*b", "a"],
      ["(a+)+$", "a"],
      ["(a|a)*b", "a"],
      ["^(a?){20}a{20}b", "a"],
      ["[^x]*[^y]*[^z]*q", "a"],
      [`${"a".repeat(3000)}b`, "a"],
      ["(.*,){11}P", "1,"],
      ["a{900}b", "a"],
    ];
    for (const [pattern, unit] of evil) {
      const regex = compileRegex(pattern, "");
      const timeOf = (length: number): number => {
        const text = unit.repeat(length);
        regex.test(text);
        const started = performance.now();
        for (let i = 0; i < 3; i++) regex.test(text);
        return performance.now() - started;
      };
      const [short, long] = [timeOf(50_000), timeOf(200_000)];
      assert.ok(
        long < Math.max(40, short) * 12,
        `/${pattern}/ took ${short} ms, then ${long} ms for four times the text`,
      );
    }
  });

  it("stop where only a backtracking engine could go on", () => {
    const regex = compileRegex("^(?=(a+)+$)b", "");
    const stopped = (error: unknown) => error instanceof StoreError && error.code === 51156;
    assert.throws(() => regex.test(`${"a".repeat(60)}!`), stopped);
    assert.throws(() => regex.test("a".repeat(100_000)), stopped);
  });

  it("name the text that every match begins with", () => {
    assert.equal(compileRegex("^abc.*", "").prefix, "abc");
    assert.equal(compileRegex("^ab?", "").prefix, "a");
    assert.equal(compileRegex("^a\\.b", "m").prefix, undefined);
    assert.equal(compileRegex("^ab|c", "").prefix, undefined);
    assert.equal(compileRegex("^ab", "i").prefix, undefined);
    assert.equal(compileRegex("^\\Qa.b\\E", "").prefix, "a.b");
  });
});
