/** `.env.example`, made from what declares variables: each one, what it means and its default. */
import { z } from "zod";
import type { Variables } from "../../../broker/contract/variables.ts";
import { nodeVariables } from "../../../broker/moleculer/config.ts";
import { databaseVariables } from "../../../broker/mongo/service-databases.ts";
import core from "../../../services/index.ts";
import { coreProviders } from "../../../services/payments/providers/create-providers.ts";

/** All that declares variables, with a heading. */
function parts(): [heading: string, Variables][] {
  const databases = databaseVariables(core.contracts.map((it) => it.service));
  return [
    ["Every node", nodeVariables],
    ...core.contracts.flatMap(({ service, config }): [string, Variables][] =>
      config ? [[`Service ${service}`, config]] : [],
    ),
    ["Databases of their own", { variables: databases, secrets: Object.keys(databases.shape) }],
    ...coreProviders.map((it): [string, Variables] => [`Payment provider ${it.name}`, it]),
  ];
}

export function envExample(): string {
  const groups = [
    "# All settings of Souk. Made by `npm run docs` from what broker/, each domain and each payment provider declare.\n",
    ...parts().map(([heading, it]) => `# ${heading}\n\n${lines(it)}`),
  ];
  return groups.join("\n");
}

/** All variables that are read. */
export const variableNames = (): string[] => parts().flatMap(([, it]) => Object.keys(it.variables.shape));

function lines({ variables, secrets }: Variables): string {
  const blocks = Object.entries<z.ZodType>(variables.shape).map(([name, schema]) => {
    const fallback = schema instanceof z.ZodDefault ? textOf(schema.def.defaultValue, schema.meta()) : "";
    const file = secrets.includes(name) ? ` Or ${name}_FILE.` : "";
    return `# ${schema.description ?? name}.${file}\n${fallback ? "" : "# "}${name}=${fallback}\n`;
  });
  return blocks.join("\n");
}

/** Durations are milliseconds internally, and text like 30m in the environment. */
function textOf(value: unknown, meta: Readonly<Record<string, unknown>> = {}): string {
  if (typeof value !== "number" || meta.unit !== "ms") return String(value);
  if (value === 0) return "0s";
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ];
  const [unit, size] = units.find(([, ms]) => value % ms === 0) ?? ["ms", 1];
  return `${value / size}${unit}`;
}
