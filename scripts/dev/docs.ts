/**
 * `npm run docs`: writes docs/ and .env.example, which are generated from the code. A test fails when they are stale.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { command } from "../support/command.ts";
import { generatedDocs } from "../support/docs/generated-docs.ts";

command("docs", "Regenerates docs/ and .env.example from the code.").parse();
const root = new URL("../../", import.meta.url);
await mkdir(new URL("docs/", root), { recursive: true });
for (const [path, content] of Object.entries(await generatedDocs())) {
  await writeFile(new URL(path, root), content);
  console.log(fileURLToPath(new URL(path, root)));
}
