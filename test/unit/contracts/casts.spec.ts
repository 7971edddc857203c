import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";

/** Casts that the compiler does not check. */
const UNCHECKED = /\bas never\b|\bas \w+(?:<[^;=]*?>)? as\b/;
/** Has the two that tests need, typed and with a reason each. */
const ALLOWED = "test/support/stand-in.ts";
const FOLDERS = "{broker,mixins,services,souk,packages,scripts,examples,test}";

const code = (line: string) =>
  line.replace(/^\s*(?:\/?\*|\/\/).*|\s\/\/ .*/, "").replaceAll(/"[^"]*"/g, '""');

describe("Casts", () => {
  it("are checked by the compiler: none goes through never, or through a second type", () => {
    const found = globSync(`${FOLDERS}/**/*.ts`, { exclude: ["**/node_modules/**"] })
      .filter((file) => file !== ALLOWED)
      .flatMap((file) =>
        readFileSync(file, "utf8")
          .split("\n")
          .flatMap((line, at) => (UNCHECKED.test(code(line)) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
      );
    assert.deepEqual(found, []);
  });

  it("of tests are two helpers", () => {
    const helpers = readFileSync(ALLOWED, "utf8").split("\n");
    assert.equal(helpers.filter((line) => UNCHECKED.test(code(line))).length, 2);
  });
});
