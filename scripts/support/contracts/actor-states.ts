/** The schemas of all actors' stored states, by actor: `<actor>State` in a file of the service's folder. */
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import core from "../../../services/index.ts";

const services = new URL("../../../services/", import.meta.url);

/** @throws where an actor of a contract has no such schema */
export async function actorStates(): Promise<Record<string, z.ZodType>> {
  const states: Record<string, z.ZodType> = {};
  for (const { service, actors } of core.contracts)
    for (const actor of Object.keys(actors)) states[actor] = await stateOf(service, actor);
  return states;
}

async function stateOf(service: string, actor: string): Promise<z.ZodType> {
  const folder = new URL(`${service}/`, services);
  for (const file of globSync("**/{,*.}{state,actor}.ts", { cwd: fileURLToPath(folder) })) {
    const module: Record<string, unknown> = await import(new URL(file, folder).href);
    const schema = module[`${actor}State`];
    if (schema instanceof z.ZodType) return schema;
  }
  throw new Error(`no file of services/${service} exports ${actor}State`);
}
