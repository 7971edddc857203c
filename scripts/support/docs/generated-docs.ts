/** Documents that `npm run docs` generates from the code. */
import { globSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { asyncapi } from "../../../broker/http/docs/asyncapi.ts";
import { errorsMarkdown } from "../../../broker/http/docs/error-docs.ts";
import { openapi } from "../../../broker/http/docs/openapi/document.ts";
import { type DrawnMachine, stateDiagram } from "../../../broker/http/docs/state-diagram.ts";
import core from "../../../services/index.ts";
import { envExample } from "./env-example.ts";
import { mailLayout } from "./mail-layout.ts";
import { messageSenders } from "./message-senders.ts";
import { messagesPage } from "./messages-page.ts";

const root = new URL("../../../", import.meta.url);

/** Generated files by their path from the root. */
export async function generatedDocs(): Promise<Record<string, string>> {
  return {
    "docs/openapi.json": `${JSON.stringify(openapi(core.contracts), null, 2)}\n`,
    "docs/asyncapi.json": `${JSON.stringify(asyncapi(core.contracts), null, 2)}\n`,
    "docs/errors.md": errorsMarkdown(core.contracts),
    "docs/messages.md": messagesPage(core.contracts, messageSenders(core.contracts)),
    ...(await stateDiagrams()),
    ".env.example": envExample(),
    "services/notifications/letters/compiled-layout.ts": await mailLayout(),
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
