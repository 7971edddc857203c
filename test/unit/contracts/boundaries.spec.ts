import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g;

/** Project files that `file` imports, relative to the project. */
function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .filter((it) => it.startsWith("."))
    .map((it) => relative(".", join(dirname(file), it)));
}

const files = (pattern: string) => globSync(pattern).sort();

describe("boundaries", () => {
  it("a service imports its own folder, broker/ and others' contracts only", () => {
    const wrong: string[] = [];
    for (const file of files("services/*/**/*.ts")) {
      const own = `services/${file.split("/")[1]}/`;
      for (const target of importsOf(file)) {
        const fine =
          target.startsWith(own) ||
          target.startsWith("broker/") ||
          /^services\/[a-z]+\/[a-z]+\.contract\.ts$/.test(target);
        // The gateway serves everybody's contracts.
        if (!fine && !(own === "services/api/" && target === "services/contracts.ts"))
          wrong.push(`${file} → ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("broker/ knows nothing of commerce", () => {
    const wrong = files("broker/**/*.ts").flatMap((file) =>
      importsOf(file)
        .filter((it) => it.startsWith("services/"))
        .map((it) => `${file} → ${it}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("the embedded store depends on nothing else of the project", () => {
    const wrong = files("embedded/**/*.ts").flatMap((file) =>
      importsOf(file)
        .filter((it) => !it.startsWith("embedded/"))
        .map((it) => `${file} → ${it}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("actors import no I/O: only their own folder's pure files, contracts and the actor kit", () => {
    const wrong: string[] = [];
    for (const file of files("services/*/*.actor.ts"))
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
