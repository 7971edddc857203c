/** `.env.example`, made from the configuration's schema: every variable, what it means and its default. */
import { z } from "zod";
import { environment, SECRETS } from "../../broker/config.ts";

export function envExample(): string {
  const blocks = Object.entries(environment.shape).map(([name, schema]) => {
    const fallback = schema instanceof z.ZodDefault ? textOf(schema.def.defaultValue, name) : "";
    const file = (SECRETS as readonly string[]).includes(name) ? ` Or ${name}_FILE.` : "";
    return `# ${schema.description ?? name}.${file}\n${fallback ? "" : "# "}${name}=${fallback}\n`;
  });
  return `# All settings of Souk. Made by \`npm run docs\` from broker/config.ts.\n\n${blocks.join("\n")}`;
}

/** Durations are milliseconds inside and text like 30m outside. */
function textOf(value: unknown, name: string): string {
  if (typeof value !== "number" || !/_TTL$|_TIMEOUT$/.test(name)) return String(value);
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ];
  const [unit, size] = units.find(([, ms]) => value % ms === 0) ?? ["ms", 1];
  return `${value / size}${unit}`;
}
