/** Clients in any language may use the documents' patterns for the server's checks. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { z } from "zod";
import { conditionsOf } from "../../../broker/contract/conditions.ts";
import { cleanLine } from "../../../broker/contract/values/text.ts";
import core from "../../../services/index.ts";
import { ajv2020 } from "../../support/schemas/ajv.ts";
import { stringSchemas } from "../../support/schemas/string-schemas.ts";
import { patternsIn } from "../linear-time/support/regular-expressions.ts";

/** Features that some languages lack or interpret differently. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "a Unicode property": /\\[pP]/,
  "an escape of JavaScript": /\\[uc0]/,
  "a class of which languages know more or fewer members": /\\[dDwWsSbB]/,
  "a group that is more than a group": /\(\?(?!:)/,
  "a reference back": /\\[1-9k]/,
  "a possessive or nested quantifier": /[*+?}][*+]/,
};
const isPortable = (pattern: string): boolean => flawsOf(pattern).length === 0;

function flawsOf(pattern: string): string[] {
  const known = Object.entries(REFUSED).flatMap(([flaw, found]) => (found.test(pattern) ? [flaw] : []));
  for (const compile of [
    () => new RegExp(pattern),
    () => new RegExp(pattern, "u"),
    () => RE2JS.compile(pattern),
  ])
    try {
      compile();
    } catch (error) {
      known.push(String(error));
    }
  return known;
}

const patterns = (file: string): string[] => [
  ...new Set(patternsIn(JSON.parse(readFileSync(file, "utf8"))).map((it) => it.pattern)),
];

/** Letters that a wrong reading of a class would take out, digits of other scripts, and controls. */
const ODD = [
  "p",
  "c",
  "C",
  "P",
  "\u0663",
  "\u0000",
  "\n",
  "\t",
  "\u007f",
  "\u0085",
  "\u009f",
  "\u00a0",
  "é",
  "😀",
];

/** Texts that fit, such that nearly do, and any. */
const textsFor = (pattern: string): fc.Arbitrary<string> => {
  const fitting = fc.stringMatching(new RegExp(pattern), { size: "-1" });
  const edited = fc
    .tuple(fitting, fc.nat(), fc.constantFrom(...ODD), fc.boolean())
    .map(([text, at, odd, replace]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + odd + text.slice(from + (replace ? 1 : 0));
    });
  return fc.oneof(fitting, edited, fc.string({ unit: "binary", maxLength: 12 }), fc.constantFrom(...ODD));
};

/** What it checks is a cleaned form of the text. */
const cleans = ({ def }: z.ZodType): boolean =>
  "checks" in def && (def.checks as z.core.$ZodCheck[]).some((it) => it._zod.def.check === "overwrite");

describe("Patterns of the public documents", () => {
  for (const file of ["docs/openapi.json", "docs/asyncapi.json"])
    it(`mean the same without flags and in other languages: ${file}`, () => {
      const found = patterns(file);
      assert.ok(found.length > 5, String(found.length));
      assert.deepEqual(
        found.flatMap((it) => flawsOf(it).map((flaw) => `${it}: ${flaw}`)),
        [],
      );
    });

  it("that would not are refused here", () => {
    for (const pattern of [
      "^[^\\p{Cc}]*$",
      "^\\u0041$",
      "^\\d+$",
      "(?=a)a",
      "(?<!a)b",
      "(?<year>[0-9]+)",
      "(a)\\1",
      "a++",
      "(?i)a",
      "[",
    ])
      assert.ok(!isPortable(pattern), pattern);
    assert.ok(isPortable("^(?:a|b)[^\\x00-\\x1f\\-]{1,3}?$"));
  });

  it("judge as the contracts do, on texts that fit, nearly fit or do not", () => {
    const ajv = ajv2020({ unicodeRegExp: false, validateFormats: false });
    const schemas = stringSchemas(
      core.contracts.flatMap(({ actions, messages }) => [
        ...Object.values(actions).flatMap(({ params, returns }) => [params, returns]),
        ...Object.values(messages).map(({ data }) => data),
      ]),
    ).map((schema) => ({ schema, json: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) }));
    const tried = new Set<string>();
    for (const { schema, json } of schemas) {
      if (json.pattern === undefined) continue;
      tried.add(json.pattern);
      const documented = ajv.compile(json);
      fc.assert(
        fc.property(textsFor(json.pattern), (generated) => {
          const text = cleans(schema) ? cleanLine(generated) : generated;
          const { success } = schema.safeParse(text);
          // What a condition says more, a pattern can't.
          if (success || conditionsOf(schema).length === 0)
            assert.equal(documented(text), success, JSON.stringify(text));
        }),
        { numRuns: 300 },
      );
    }
    const ofRequests = patterns("docs/openapi.json").filter((it) => !tried.has(it));
    // The id of a trace stands in problem documents only.
    assert.deepEqual(ofRequests, ["^[0-9a-f]{32}$"]);
  });
});
