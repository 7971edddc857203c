/** A provider is configured with all of its main variables or with none. */
import { ConfigError } from "../../../../broker/contract/variables.ts";

/**
 * @param provider for the error's text
 * @param needed the variables that belong together
 * @param others variables that are useless without them
 * @returns whether it is configured
 * @throws {ConfigError} that names the first missing variable
 */
export function isConfigured(
  provider: string,
  needed: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>> = {},
): boolean {
  const given = [...Object.entries(needed), ...Object.entries(others)].filter(([, it]) => it !== undefined);
  if (given.length === 0) return false;
  const missing = Object.keys(needed).find((name) => needed[name] === undefined);
  if (missing === undefined) return true;
  throw new ConfigError(`${missing}: must be set for ${provider}, as ${given[0]?.[0]} is`);
}
