/** `.env.example`, made from the configuration's schema: every variable, what it means and its default. */
import { z } from "zod";
import { environment, SECRETS } from "../../../broker/moleculer/config.ts";
import { databaseVariables } from "../../../broker/mongo/service-databases.ts";
import core from "../../../services/index.ts";
import { coreProviders } from "../../../services/payments/providers/create-providers.ts";

const databases = databaseVariables(core.contracts.map((it) => it.service));

export function envExample(): string {
  const groups = [
    "# All settings of Souk. Made by `npm run docs` from broker/moleculer/config.ts and the payment providers.\n",
    variables(environment, SECRETS),
    `# Databases of their own\n\n${variables(databases, Object.keys(databases.shape))}`,
    ...coreProviders.map((it) => `# Payment provider ${it.name}\n\n${variables(it.variables, it.secrets)}`),
  ];
  return groups.join("\n");
}

/** All variables that are read: of the nodes and of the payment providers. */
export const variableNames = (): string[] => [
  ...Object.keys(environment.shape),
  ...Object.keys(databases.shape),
  ...coreProviders.flatMap((it) => Object.keys(it.variables.shape)),
];

function variables({ shape }: z.ZodObject, secrets: readonly string[]): string {
  const blocks = Object.entries(shape).map(([name, schema]) => {
    const fallback = schema instanceof z.ZodDefault ? textOf(schema.def.defaultValue, name) : "";
    const file = secrets.includes(name) ? ` Or ${name}_FILE.` : "";
    return `# ${(schema as z.ZodType).description ?? name}.${file}\n${fallback ? "" : "# "}${name}=${fallback}\n`;
  });
  return blocks.join("\n");
}

/** Durations are milliseconds inside and text like 30m outside. */
function textOf(value: unknown, name: string): string {
  if (typeof value !== "number" || !/_TTL$|_TIMEOUT$|_DELAY$|_INTERVAL$|^RECONCILE_/.test(name))
    return String(value);
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
