/** Loads a shop: Souk's own list, and those of the extensions that EXTENSIONS names. */
import { registerHooks } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { topologyOf } from "../broker/bus/topology.ts";
import { checkThings } from "../broker/contract/fields.ts";
import { oneLine } from "../broker/contract/secrets/redact.ts";
import { ConfigError, joinVariables, type Variables } from "../broker/contract/variables.ts";
import { apiRoutes } from "../broker/http/api-route.ts";
import { nodeVariables } from "../broker/moleculer/config.ts";
import { combine, type Extension, isExtension } from "../broker/moleculer/extension.ts";
import core from "../services/index.ts";

/**
 * @param names modules of extensions, separated by commas: paths, or names of packages
 * @param from the folder of relative paths, in which packages are installed
 * @throws {ConfigError} that names the extension, in one line
 */
export async function loadShop(names: string | undefined, from: string = process.cwd()): Promise<Extension> {
  const extensions: Extension[] = [];
  let shop: Extension = core;
  const wanted = namesIn(names);
  // Its hook looks at each import of the process.
  if (wanted.length > 0) await import("./self-reference.ts");
  for (const name of wanted) {
    extensions.push(await load(name, from));
    shop = explained(name, () => checked(combine(core, ...extensions)));
    const { providers = [] } = shop;
    if (providers.length > 0) {
      // Loaded only where it is needed: Souk's own are many, and only payments needs them.
      const { checkProviders } = await import("../services/payments/providers/create-providers.ts");
      explained(name, () => checkProviders(providers));
    }
  }
  return shop;
}

/**
 * Checks routes and queues. Services, messages and error codes are checked when they are declared. @throws on a name
 * that is in use
 */
function checked(shop: Extension): Extension {
  apiRoutes(shop.contracts);
  topologyOf(shop.contracts);
  checkThings(shop.fields);
  const providers: readonly Variables[] = shop.providers ?? [];
  joinVariables([nodeVariables, ...shop.contracts.flatMap(({ config }) => config ?? []), ...providers]);
  return shop;
}

const namesIn = (names = ""): string[] =>
  names
    .split(",")
    .map((it) => it.trim())
    .filter(Boolean);

/** Whether a name in EXTENSIONS is a path and not a package. */
export const isPath = (name: string): boolean => /^\.\.?(\/|$)/.test(name) || isAbsolute(name);

async function load(name: string, from: string): Promise<Extension> {
  const found = isPath(name)
    ? await find(pathToFileURL(resolve(from, name)).href)
    : await findPackage(name, from);
  const { default: extension } = found as { default?: unknown };
  if (isExtension(extension)) return extension;
  throw fault(name, "has no default export made by extend(…) of souk");

  async function find(specifier: string): Promise<object> {
    try {
      return (await import(specifier)) as object;
    } catch (error) {
      throw fault(
        name,
        isMissing(error, name, specifier) ? "there is no such module" : reasonOf(error),
        error,
      );
    }
  }

  /** Finds a package as a module in the folder would import it. */
  async function findPackage(specifier: string, folder: string): Promise<object> {
    const parentURL = pathToFileURL(join(folder, "package.json")).href;
    const hooks = registerHooks({
      resolve: (asked, context, next) =>
        next(asked, asked === specifier ? { ...context, parentURL } : context),
    });
    try {
      return await find(specifier);
    } finally {
      hooks.deregister();
    }
  }
}

/** Whether the extension itself is missing, and not something that it imports. */
const isMissing = (error: unknown, ...names: string[]): boolean =>
  error instanceof Error &&
  "code" in error &&
  error.code === "ERR_MODULE_NOT_FOUND" &&
  names.some((it) =>
    new RegExp(`^Cannot find (module|package) '${RegExp.escape(pathOf(it))}'`).test(error.message),
  );

const pathOf = (specifier: string): string =>
  specifier.startsWith("file:") ? decodeURIComponent(new URL(specifier).pathname) : specifier;

const reasonOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error));

const fault = (name: string, reason: string, cause?: unknown): ConfigError =>
  new ConfigError(`EXTENSIONS: ${name}: ${reason}`, { cause });

function explained<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fault(name, reasonOf(error), error);
  }
}
