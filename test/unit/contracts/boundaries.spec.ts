import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g;

/**
 * Project files that `file` imports, relative to the project. By default includes imports of types only, and dynamic
 * ones.
 */
function importsOf(file: string, { types = true, later = true } = {}): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .filter(([statement]) => types || !/^\s*(?:import|export) type\b/.test(statement))
    .filter(([, , imported]) => later || imported === undefined)
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .filter((it) => it.startsWith("."))
    .map((it) => relative(".", join(dirname(file), it)));
}

/** Names of the packages that `file` imports, Node's own aside. */
function packagesImportedBy(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .filter((it) => !it.startsWith(".") && !it.startsWith("node:"))
    .map((it) => /^(?:@[^/]+\/)?[^/]+/.exec(it)?.[0] ?? it);
}

/** The workspace package that a file is of; undefined for the shop's own. */
const packageOf = (file: string): string | undefined => /^packages\/[^/]+/.exec(file)?.[0];

const folders = (pattern: string): string[] => globSync(pattern).map((it) => it.replace(/\/$/, ""));

/** One cycle of each entry that is in any. */
function cyclesIn(imports: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (entry: string, path: readonly string[]): void => {
    const at = path.indexOf(entry);
    if (at >= 0) found.push([...path.slice(at), entry]);
    if (at >= 0 || done.has(entry)) return;
    for (const next of imports.get(entry) ?? []) visit(next, [...path, entry]);
    done.add(entry);
  };
  for (const entry of imports.keys()) visit(entry, []);
  return found;
}

const files = (pattern: string) => globSync(pattern).sort();

/** Specs beside the code that they test, and their helpers. */
const isTest = (file: string) => /\.spec\.ts$|\/test\//.test(file);
/** Providers as tests and `npm run emulators` have them. */
const isEmulator = (file: string) => file.includes("/emulator/");
const inProduction = (file: string) => !isTest(file) && !isEmulator(file);
const PROVIDERS = "services/payments/providers";

describe("boundaries", () => {
  it("a service imports its own folder, broker/, mixins/ and others' contracts only", () => {
    const wrong: string[] = [];
    for (const file of files("services/*/**/*.ts").filter((it) => !isTest(it))) {
      const own = `services/${file.split("/")[1]}/`;
      for (const target of importsOf(file)) {
        const fine =
          target.startsWith(own) ||
          target.startsWith("broker/") ||
          target.startsWith("mixins/") ||
          /^services\/[a-z]+\/[a-z]+\.contract\.ts$/.test(target);
        if (!fine) wrong.push(`${file} → ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("what runs in production imports no spec, no test support and no emulator", () => {
    const wrong = files("{broker,mixins,services,packages}/**/*.ts")
      .filter(inProduction)
      .flatMap((file) =>
        [
          ...importsOf(file, { later: false }).filter(isEmulator),
          ...importsOf(file).filter((it) => isTest(it) || it.startsWith("test/")),
        ].map((it) => `${file} → ${it}`),
      );
    assert.deepEqual(wrong, []);
  });

  it("only a provider's module names its emulator, and loads it when it is wanted", () => {
    const wrong = files("{broker,mixins,services,packages}/**/*.ts")
      .filter(inProduction)
      .flatMap((file) =>
        importsOf(file)
          .filter((it) => isEmulator(it) && it !== `${dirname(file)}/emulator/${basename(file)}`)
          .map((it) => `${file} → ${it}`),
      );
    assert.deepEqual(wrong, []);
  });

  it("an emulator knows of its adapter only how the provider writes amounts", () => {
    const wrong = files(`${PROVIDERS}/*/emulator/**/*.ts`).flatMap((file) => {
      const own = file.slice(0, file.indexOf("/emulator/"));
      const shared = [`${own}/amounts.ts`, `${PROVIDERS}/emulator.ts`];
      const folders = [`${own}/emulator/`, `${PROVIDERS}/support/emulator/`, "broker/"];
      return importsOf(file)
        .filter((it) => !shared.includes(it) && !folders.some((folder) => it.startsWith(folder)))
        .map((it) => `${file} → ${it}`);
    });
    assert.deepEqual(wrong, []);
  });

  it("a provider imports no other", () => {
    const wrong = files(`${PROVIDERS}/*/**/*.ts`).flatMap((file) => {
      const own = file.split("/")[3] ?? "";
      return importsOf(file)
        .filter((it) => it.startsWith(`${PROVIDERS}/`) && it.split("/").length > 4)
        .filter((it) => ![own, "support"].includes(it.split("/")[3] ?? ""))
        .map((it) => `${file} → ${it}`);
    });
    assert.deepEqual(wrong, []);
  });

  it("broker/ and mixins/ know nothing of commerce", () => {
    const wrong = files("{broker,mixins}/**/*.ts").flatMap((file) =>
      importsOf(file)
        .filter((it) => it.startsWith("services/"))
        .map((it) => `${file} → ${it}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("mixins/ stands on broker/, and broker/ knows no mixin", () => {
    const elsewhere = files("mixins/**/*.ts").flatMap((file) =>
      importsOf(file)
        .filter((it) => !/^(?:mixins|broker)\//.test(it))
        .map((it) => `${file} → ${it}`),
    );
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(
      files("broker/**/*.ts").filter((file) => importsOf(file).some((it) => it.startsWith("mixins/"))),
      [],
    );
  });

  it("the parts of broker/ import downwards only", () => {
    const parts = ["contract", "resilience", "files", "bus", "mongo", "actor", "http", "moleculer"];
    assert.deepEqual(
      [...new Set(files("broker/**/*.ts").map((it) => it.split("/")[1] ?? ""))].sort(),
      [...parts].sort(),
    );
    const wrong = files("broker/**/*.ts").flatMap((file) =>
      importsOf(file)
        .filter((it) => parts.indexOf(it.split("/")[1] ?? "") > parts.indexOf(file.split("/")[1] ?? ""))
        .map((it) => `${file} → ${it}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("the parts of a folder do not import each other in a cycle", () => {
    const cycles: string[] = [];
    for (const folder of folders("{broker,mixins,services,souk,packages}/**/")) {
      const prefix = folder === "" ? "" : `${folder}/`;
      const entryOf = (file: string) => file.slice(prefix.length).split("/")[0] ?? "";
      const imports = new Map<string, Set<string>>();
      for (const file of files(`${prefix}**/*.ts`).filter((it) => !isTest(it)))
        for (const target of importsOf(file)) {
          if (!target.startsWith(prefix) || entryOf(target) === entryOf(file)) continue;
          imports.set(entryOf(file), (imports.get(entryOf(file)) ?? new Set()).add(entryOf(target)));
        }
      cycles.push(...cyclesIn(imports).map((it) => `${folder}: ${it.join(" → ")}`));
    }
    assert.deepEqual(cycles, []);
  });

  it("no file imports itself in a cycle, types aside", () => {
    const all = files("{broker,mixins,services,souk,packages,scripts,test}/**/*.ts");
    const imports = new Map(all.map((file) => [file, new Set(importsOf(file, { types: false }))]));
    assert.deepEqual(cyclesIn(imports), []);
  });

  it("a package imports its own files and the dependencies that it declares, and is imported by its name", () => {
    const wrong: string[] = [];
    for (const file of files("{broker,mixins,services,souk,packages,scripts,test}/**/*.ts"))
      for (const target of importsOf(file))
        if (packageOf(file) !== packageOf(target)) wrong.push(`${file} → ${target}`);
    for (const home of folders("packages/*/")) {
      const { dependencies, peerDependencies, devDependencies } = JSON.parse(
        readFileSync(`${home}/package.json`, "utf8"),
      );
      const used = { ...dependencies, ...peerDependencies };
      for (const [declared, pattern] of [
        [used, `${home}/src/**/*.ts`],
        [{ ...used, ...devDependencies }, `${home}/test/**/*.ts`],
      ])
        for (const file of files(pattern))
          for (const name of packagesImportedBy(file))
            if (!(name in declared)) wrong.push(`${file} → ${name}`);
    }
    assert.deepEqual(wrong, []);
  });

  it("actors import no I/O: only their own folder's pure files, contracts and the actor kit", () => {
    const wrong: string[] = [];
    for (const file of files("services/**/*.actor.ts"))
      for (const match of readFileSync(file, "utf8").matchAll(IMPORT)) {
        const name = match[1] ?? match[2] ?? match[3] ?? "";
        if (
          /^node:|^(?:mongoose|mongodb|amqplib|ioredis|moleculer|winston)\b|clock\.ts$|config\.ts$/.test(name)
        )
          wrong.push(`${file} → ${name}`);
      }
    assert.deepEqual(wrong, []);
  });
});
