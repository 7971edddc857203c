import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const isOurs = (path: string): boolean => !/(^|\/)(node_modules|data|coverage)(\/|$)/.test(path);
const find = (pattern: string): string[] =>
  globSync(pattern, { exclude: (it) => !isOurs(it) }).filter(isOurs);

const pages = find("**/*.md").map((path) => ({ path, text: readFileSync(path, "utf8") }));
const files = find("**/*.{ts,mjs}").map((path) => `/${path}`);

/** The changelog also names files and scripts of earlier versions. */
const isOfThisVersion = ({ path }: { path: string }): boolean => path !== "CHANGELOG.md";

/** What a pattern with one group finds in a page. */
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? "");

describe("documents", () => {
  it("link only to files that exist", () => {
    const links = pages.flatMap(({ path, text }) =>
      matches(text, /\]\((?![a-z]+:)([^)#]+)(?:#[^)]*)?\)/g).map((link) => ({ path, link })),
    );
    const broken = links.filter(({ path, link }) => !existsSync(join(dirname(path), link)));
    assert.deepEqual(broken, []);
    assert.ok(links.length > 50);
  });

  it("name only source files that exist, by the end of their path", () => {
    const named = pages
      .filter(isOfThisVersion)
      .flatMap(({ path, text }) =>
        matches(text, /`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs))`/g).map((file) => ({ path, file })),
      );
    const missing = named.filter(({ file }) => !files.some((it) => it.endsWith(`/${file}`)));
    assert.deepEqual(missing, []);
    assert.ok(named.length > 50);
  });

  it("name only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const named = pages
      .filter(isOfThisVersion)
      .flatMap(({ path, text }) =>
        matches(text, /npm run ([a-z][a-z0-9:-]*)/g).map((script) => ({ path, script })),
      );
    assert.deepEqual(
      named.filter(({ script }) => !scripts[script]),
      [],
    );
    assert.ok(named.length > 5);
  });
});
