/** `npm run docs`: writes docs/ and .env.example, which are made from the code. A test fails when it was forgotten. */
import { globSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { asyncapi } from "../broker/http/docs/asyncapi.ts";
import { errorsMarkdown } from "../broker/http/docs/error-docs.ts";
import { openapi } from "../broker/http/docs/openapi/document.ts";
import { type DrawnMachine, stateDiagram } from "../broker/http/docs/state-diagram.ts";
import core from "../services/index.ts";
import { coreProviders } from "../services/payments/providers/create-providers.ts";
import { messageSenders } from "./docs/message-senders.ts";
import { messagesPage } from "./docs/messages-page.ts";
import { command } from "./support/command.ts";
import { envExample } from "./support/env-example.ts";

const root = new URL("../", import.meta.url);

/** Generated files by their path from the root. */
export async function generatedDocs(): Promise<Record<string, string>> {
  return {
    "docs/openapi.json": `${JSON.stringify(openapi(core.contracts), null, 2)}\n`,
    "docs/asyncapi.json": `${JSON.stringify(asyncapi(core.contracts), null, 2)}\n`,
    "docs/errors.md": errorsMarkdown([...core.contracts, ...coreProviders]),
    "docs/messages.md": messagesPage(core.contracts, messageSenders(core.contracts)),
    ...(await stateDiagrams()),
    ".env.example": envExample(),
  };
}

async function stateDiagrams(): Promise<Record<string, string>> {
  const diagrams: Record<string, string> = {};
  for (const { service, actors } of core.contracts) {
    const folder = new URL(`services/${service}/`, root);
    for (const file of globSync("**/*.actor.ts", { cwd: fileURLToPath(folder) }).sort()) {
      const { machine }: { machine?: DrawnMachine } = await import(new URL(file, folder).href);
      if (!machine) continue;
      diagrams[`docs/${basename(file, ".actor.ts")}-states.md`] = stateDiagram(
        machine,
        actors[machine.name]?.timers,
      );
    }
  }
  return diagrams;
}

if (import.meta.main) {
  command("docs", "Renews docs/ and .env.example, which are made from the code.").parse();
  await mkdir(new URL("docs/", root), { recursive: true });
  for (const [path, content] of Object.entries(await generatedDocs())) {
    await writeFile(new URL(path, root), content);
    console.log(fileURLToPath(new URL(path, root)));
  }
}
