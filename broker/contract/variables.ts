/** Environment variables: how a part of Souk declares its variables in zod, and how they are read. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { keepPasswords, keepSecret, redact } from "./redact.ts";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A variable with an address that has one of these protocols. */
export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (it) => protocols.some((protocol) => it.startsWith(`${protocol}://`)),
      `must start with ${protocols.join(":// or ")}://`,
    )
    .optional();
/** A secret that must be hard to guess. */
export const secret = z.string().min(16, "must have at least 16 characters");

/**
 * Parses the variables that a schema names. An empty value counts as unset.
 * @param secrets names that may also be given as `NAME_FILE`
 * @throws {ConfigError} with one line per bad variable; it never contains values of secrets
 */
export function parseVariables<S extends z.ZodObject>(
  schema: S,
  secrets: readonly string[],
  env: NodeJS.ProcessEnv,
): z.output<S> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) if (env[name]) given[name] = env[name];
  for (const name of secrets) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    if (given[name]) throw new ConfigError(`${name}: set either ${name} or ${name}_FILE, not both`);
    try {
      given[name] = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    } catch (cause) {
      throw new ConfigError(`${name}_FILE: can't read ${file}`, { cause });
    }
  }
  for (const [name, value] of Object.entries(given))
    if (value.includes("://")) keepPasswords(value);
    else if (secrets.includes(name)) keepSecret(value);
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(
      redact(parsed.error.issues.map((it) => `${it.path.join(".")}: ${it.message}`).join("\n")),
    );
  return parsed.data;
}
