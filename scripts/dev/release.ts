/**
 * `npm run release -- 1.2.0`: turns the unreleased section of CHANGELOG.md into that version's. Stores the present
 * contracts as those of the last release (docs/contracts.json), for comparison with later ones.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { command } from "../support/command.ts";
import { released } from "../support/contracts/released-changelog.ts";
import { contractSnapshot, snapshotText } from "../support/contracts/snapshot.ts";

const [version] = command(
  "release",
  "Turns the unreleased section of CHANGELOG.md into a release, and stores the present contracts as the released ones.",
)
  .argument("<version>", "such as 1.2.0", versionNumber)
  .parse().processedArgs;
const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const changelog = await readFile(file("CHANGELOG.md"), "utf8");
const made = released(changelog, version, new Date().toISOString().slice(0, 10));
const manifest = await readFile(file("package.json"), "utf8");
await writeFile(file("CHANGELOG.md"), made);
await writeFile(file("package.json"), manifest.replace(/"version": "[^"]+"/, `"version": "${version}"`));
await writeFile(file("docs/contracts.json"), snapshotText({ ...(await contractSnapshot()), version }));
await writeFile(file("docs/accepted-changes.json"), "[]\n");
console.log(`${version}: now run npm run docs, and commit`);

function versionNumber(text: string): string {
  if (/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a version such as 1.2.0.");
}
