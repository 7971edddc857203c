/** A separate MongoDB for single services: `MONGO_URL_ORDERS` and so on. All others use `MONGO_URL`. */
import { z } from "zod";
import { ConfigError, parseVariables, url } from "../contract/variables.ts";

const PREFIX = "MONGO_URL_";

const variableOf = (service: string): string => `${PREFIX}${service.toUpperCase().replaceAll("-", "_")}`;

/** The variables of these services. Each is a secret, so it may also be given as a file. */
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

/** A service's separate database. */
export interface OwnDatabase {
  uri: string;
  /** Where it is configured. */
  variable: string;
}

/**
 * The configured ones, by service.
 * @param services all services of the shop
 * @throws {ConfigError} for a bad address, or a service that does not exist
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
  const given = parseVariables({ variables: schema, secrets: names }, variables) as Record<
    string,
    string | undefined
  >;
  return new Map(
    services.flatMap((service) => {
      const variable = variableOf(service);
      const uri = given[variable];
      return uri ? [[service, { uri, variable }] as const] : [];
    }),
  );
}

/** Whether a variable is one of them, or names its file. */
export const isDatabaseVariable = (name: string): boolean =>
  /^MONGO_URL_[A-Z][A-Z0-9_]*$/.test(name) && name !== `${PREFIX}FILE`;
