import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";

describe("souk/contracts", () => {
  it("has all that Souk's services declare: extensions know of nothing else", () => {
    const exported = readFileSync("souk/contracts.ts", "utf8");
    for (const file of globSync("services/*/*.{contract,errors,config}.ts"))
      assert.ok(exported.includes(`"../${file}"`), file);
  });
});
