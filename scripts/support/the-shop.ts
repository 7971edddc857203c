/** The parts of a command's shop, with the extensions of its environment. */
import { ConfigError } from "../../broker/contract/variables.ts";
import { type Extension, serviceNames } from "../../broker/moleculer/extension.ts";
import { loadShop } from "../../souk/load-shop.ts";
import { shopEnvironment } from "./shop-servers.ts";

/** The shop of this environment's node, or an exit with one line. */
export async function shopOrExit(env: NodeJS.ProcessEnv = process.env): Promise<Extension> {
  try {
    return await loadShop(env.EXTENSIONS);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** The same for a command that works on a shop, see shop-servers.ts. */
export const jobShopOrExit = (): Promise<Extension> => shopOrExit(shopEnvironment(process.env).env);

/** Those in `given`, else those in SERVICES, else all of the shop. Exits on an unknown name. */
export function servicesOrExit(
  shop: Extension,
  { SERVICES }: { SERVICES?: string | undefined },
  given: readonly string[],
): string[] {
  const known = serviceNames(shop);
  const names = given.length > 0 ? given : (SERVICES?.split(/[ ,]+/) ?? known);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return [...names];
  console.error(`SERVICES: there is no service ${unknown}; there are ${known.join(", ")}`);
  process.exit(1);
}
