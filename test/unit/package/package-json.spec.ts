import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

interface Package {
  dependencies?: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
}
const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Package;

describe("package.json", () => {
  const { dependencies = {}, exports } = read("package.json");

  it("brings what the embedded store needs, which is built into the package", () => {
    for (const [name, version] of Object.entries(
      read("packages/embedded-mongo/package.json").dependencies ?? {},
    ))
      assert.equal(dependencies[name], version, name);
  });

  it("depends on no workspace package: registries do not have them", () => {
    assert.deepEqual(
      Object.keys(dependencies).filter((it) => it.startsWith("@souk/")),
      [],
    );
  });

  it("has an entry point for each file in souk/", () => {
    for (const [name, entry] of Object.entries(exports)) {
      if (typeof entry === "string") continue;
      const source = entry.default.replace("./dist/", "").replace(/\.js$/, ".ts");
      assert.ok(readFileSync(source, "utf8").length > 0, name);
      assert.equal(entry.types, entry.default.replace(/\.js$/, ".d.ts"));
    }
  });
});
