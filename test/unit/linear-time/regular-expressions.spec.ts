/** No regular expression backtracks over its text: each takes linear time for any text. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { check } from "recheck";
import { type Expression, patternsIn, regularExpressions } from "./support/regular-expressions.ts";

/** Expressions made from text at run time. They are named here, and checked by the code that uses them. */
const MADE = [
  // From a table, for texts of at most 20 characters.
  "broker/contract/addresses/check-address.ts",
  // One of many secrets, each as it stands.
  "broker/contract/secrets/redact.ts",
  // From zod's.
  "broker/contract/values/patterns.ts",
  // From an enum; the expressions of all contracts are checked below.
  "broker/contract/values/several.ts",
  // Clients of the embedded store write their own, which run with limits.
  "packages/embedded-mongo/src/regex/emit.ts",
  // From constants of the same file.
  "services/payments/providers/mpesa/callback-key.ts",
];

/** @returns what is wrong with it; undefined when it is linear */
async function flawOf({ pattern, flags, at }: Expression): Promise<string | undefined> {
  const found = await check(pattern, flags, { timeout: 30_000, randomSeed: 1 });
  if (found.status === "safe") return undefined;
  const flaw = found.status === "vulnerable" ? found.complexity.summary : found.error.kind;
  return `/${pattern}/${flags}: ${flaw} (${at.join(", ")})`;
}

async function flawsOf(expressions: readonly Expression[]): Promise<string[]> {
  const flaws: string[] = [];
  for (const it of expressions) flaws.push((await flawOf(it)) ?? "");
  return flaws.filter((it) => it !== "");
}

describe("Regular expressions", function () {
  this.timeout(120_000);

  it("of the code take linear time", async () => {
    const files = globSync("{broker,services,packages/*/src}/**/*.ts", { exclude: ["services/**/test/**"] });
    const { literals, made } = regularExpressions(files);
    assert.ok(literals.length > 100, `only ${literals.length} are found`);
    assert.deepEqual(await flawsOf(literals), []);
    assert.deepEqual([...new Set(made.map((it) => it.slice(0, it.lastIndexOf(":"))))].sort(), MADE);
  });

  it("of the contracts, zod's own among them, take linear time", async () => {
    const openapi = JSON.parse(readFileSync("docs/openapi.json", "utf8"));
    const patterns = new Map(patternsIn(openapi).map((it) => [it.pattern, it]));
    assert.ok(patterns.size > 10, `only ${patterns.size} are found`);
    assert.deepEqual(await flawsOf([...patterns.values()]), []);
  });

  it("that are known to be slow are found so", async () => {
    for (const pattern of ["\\s*:$", "/+$", "^(a+)+$", '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"\\s*(:?)'])
      assert.match((await flawOf({ pattern, flags: "", at: ["here"] })) ?? "", /polynomial|exponential/);
  });
});
