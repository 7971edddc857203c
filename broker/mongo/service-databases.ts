/** A MongoDB of its own for single services: `MONGO_URL_ORDERS` and the like. All others are in that of `MONGO_URL`. */
import { z } from "zod";
import { ConfigError, parseVariables, url } from "../contract/variables.ts";

const PREFIX = "MONGO_URL_";

const variableOf = (service: string): string => `${PREFIX}${service.toUpperCase()}`;

/** The variables of these services. Each is a secret: it may be given as a file too. */
export const databaseVariables = (services: readonly string[]) =>
  z.object(
    Object.fromEntries(
      services.map((it) => [
        variableOf(it),
        url("mongodb", "mongodb+srv").describe(
          `MongoDB replica set of the ${it} service, where it has one of its own`,
        ),
      ]),
    ),
  );

/** A database of its own. */
export interface OwnDatabase {
  uri: string;
  /** Where it is configured. */
  variable: string;
}

/**
 * Those that are configured, by service.
 * @param services all that the shop has
 * @throws {ConfigError} a bad address, or one of a service that there is not
 */
export function ownDatabases(
  { variables }: { variables: Readonly<NodeJS.ProcessEnv> },
  services: readonly string[],
): Map<string, OwnDatabase> {
  const schema = databaseVariables(services);
  const names = Object.keys(schema.shape);
  for (const name of Object.keys(variables).filter(isDatabaseVariable))
    if (variables[name] && !names.includes(name.replace(/_FILE$/, "")))
      throw new ConfigError(`${name}: there is no service of that name; there are ${services.join(", ")}`);
  const given = parseVariables(schema, names, variables) as Record<string, string | undefined>;
  return new Map(
    services.flatMap((service) => {
      const variable = variableOf(service);
      const uri = given[variable];
      return uri ? [[service, { uri, variable }] as const] : [];
    }),
  );
}

/** Whether a variable of the environment is one of them, or its file. */
export const isDatabaseVariable = (name: string): boolean =>
  /^MONGO_URL_[A-Z]+(_FILE)?$/.test(name) && name !== `${PREFIX}FILE`;
