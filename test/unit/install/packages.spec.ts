/**
 * What npm would warn about. Its warnings are off (`.npmrc`), because an older Node causes one for each package that
 * wants a newer one.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

interface Locked {
  deprecated?: string;
  hasInstallScript?: boolean;
  link?: boolean;
  os?: string[];
  libc?: string[];
  engines?: { node?: string };
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8"));
const manifest =
  read<Record<"dependencies" | "devDependencies" | "allowScripts", Record<string, string>>>("package.json");
const { packages } = read<{ packages: Record<string, Locked> }>("package-lock.json");
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe("packages", () => {
  it("are none that their authors have given up", () => {
    const given = Object.entries(packages).filter(([, it]) => it.deprecated);
    assert.deepEqual(
      given.map(([path, it]) => `${path}: ${it.deprecated}`),
      [],
    );
  });

  it("run nothing when they are installed, unless package.json says so", () => {
    const scripted = Object.entries(packages).filter(([, it]) => it.hasInstallScript);
    assert.deepEqual(
      [...new Set(scripted.map(([path]) => nameOf(path)))].sort(),
      Object.keys(manifest.allowScripts).sort(),
    );
  });

  it("have exact versions", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it("bring a Node only where the installed one is too old, and only where it runs", () => {
    const wanted = packages[""]?.engines?.node ?? assert.fail();
    const { os, libc, engines } = packages["packages/node-for-linux/glibc"] ?? assert.fail();
    assert.deepEqual(
      { os, libc, engines },
      {
        os: ["linux"],
        libc: ["glibc"],
        engines: { node: wanted.replace(">=", "<") },
      },
    );
  });
});
