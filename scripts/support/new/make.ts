/** What `npm run new` makes. Each returns the files that it has written or changed. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Names } from "./names.ts";
import { addLine, ROOT, writeTemplate } from "./templates.ts";

const PROVIDERS = "services/payments/providers";

export function makeService(names: Names): string[] {
  const { name, camel } = names;
  const files = writeTemplate("service", `services/${notThere("services", name)}`, { ...names });
  addLine("services/contracts.ts", `export { ${camel} } from "./${name}/${name}.contract.ts";`);
  return [...files, "services/contracts.ts"];
}

export function makeProvider(names: Names): string[] {
  const { name, camel } = names;
  const files = writeTemplate("provider", `${PROVIDERS}/${notThere(PROVIDERS, name)}`, { ...names });
  addLine(`${PROVIDERS}/index.ts`, `export { ${camel} } from "./${name}/${name}.ts";`);
  return [...files, `${PROVIDERS}/index.ts`];
}

export interface MigrationOptions {
  service: string;
  collection: string;
  key: string;
}

/** A migration that makes an index. */
export function makeMigration(
  { name, snake }: Names,
  { service, collection, key }: MigrationOptions,
): string[] {
  const folder = `services/${service}/migrations`;
  const present = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)) : [];
  const taken = present.find((it) => it.replace(/^\d+-|\.ts$/g, "") === name);
  if (taken) throw new Error(`${folder}/${taken} has this name already`);
  const last = Math.max(0, ...present.map((it) => Number.parseInt(it, 10) || 0));
  const number = String(last + 1).padStart(4, "0");
  return writeTemplate("migration", folder, { name, snake, number, collection, key });
}

function notThere(folder: string, name: string): string {
  if (existsSync(join(ROOT, folder, name))) throw new Error(`${folder}/${name} is there already`);
  return name;
}
