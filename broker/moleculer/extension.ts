/**
 * The parts of a shop, as plain data. Souk's own list is `services/index.ts`. Another team's package has a similar
 * list:
 *
 * `export default extend({ name: "loyalty", contracts: [loyalty], services: { loyalty: () =>
 * import("./loyalty.service.ts") } })`
 *
 * Queues, routes, documents, migrations and variables are derived from all lists in the same way.
 */
import { extname } from "node:path";
import type { ServiceSchema } from "moleculer";
import type { z } from "zod";
import type { ServiceContract } from "../contract/contract.ts";
import { type DeclaredFields, EXTENSION_NAME } from "../contract/fields.ts";
import { inNamespace, type MigrationSource } from "../mongo/migrations.ts";
import { contractMigrations } from "./contract-migrations.ts";

/** Imports a service's module. Called only on nodes that run the service. */
export type ServiceLoader = () => Promise<{ default: ServiceSchema }>;

/**
 * Parts of an extension that a domain uses, for example payment providers. The domain declares them here by
 * declaration merging. When extensions are combined, lists are joined. Keys of records must differ.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging in the domains
export interface ExtensionParts {}

export interface Extension extends Partial<ExtensionParts> {
  /** Name of its package, for example `loyalty`. */
  readonly name: string;
  /** Contracts of its services. Every node loads all of them, for queues, routes and documents. */
  readonly contracts: readonly ServiceContract[];
  /** By the service's name. */
  readonly services: Readonly<Record<string, ServiceLoader>>;
  /**
   * By the service whose database they change. The migrations of another part have names that begin with the part's
   * name. Actors and idempotency keys of a contract bring their own, before these.
   */
  readonly migrations: Readonly<Record<string, readonly MigrationSource[]>>;
  /** Fields that it keeps with things of others, by their kind, e.g. `order`: see broker/contract/fields.ts. */
  readonly fields: DeclaredFields;
}

/** An extension as it is written down. */
export interface ExtensionInput extends Pick<Extension, "name">, Partial<Omit<Extension, "name" | "fields">> {
  /** By the kind of thing. Fields that they do not name are refused. */
  readonly fields?: Readonly<Record<string, z.ZodObject>>;
}

/** Declares an extension. Every part is optional. @throws on an invalid name */
export function extend({
  contracts = [],
  services = {},
  migrations = {},
  fields = {},
  ...rest
}: ExtensionInput): Extension {
  if (!EXTENSION_NAME.test(rest.name))
    throw new Error(`an extension's name is lower-case letters, digits and -, not ${rest.name}`);
  const sources = Object.entries(migrations).map(([service, given]) => [
    service,
    Object.hasOwn(services, service) ? given : given.map((it) => inNamespace(rest.name, it)),
  ]);
  const derived = Object.fromEntries(contracts.map((it) => [it.service, contractMigrations(it)]));
  const declared = Object.entries(fields).map(([thing, schema]) => [thing, { [rest.name]: schema.strict() }]);
  const made: Extension = {
    ...rest,
    contracts,
    services,
    migrations: joinLists(derived, Object.fromEntries(sources)),
    fields: Object.fromEntries(declared),
  };
  extensions.add(made);
  return made;
}

const extensions = new WeakSet<object>();

/** Whether the value was made by {@link extend}. */
export const isExtension = (it: unknown): it is Extension =>
  typeof it === "object" && it !== null && extensions.has(it);

/**
 * Services and migrations of contracts in the usual layout: `<service>/<service>.service.ts` and
 * `<service>/migrations/` beside the calling file. Folders of a service may have their own migrations.
 * @param base `import.meta.url` of that file
 */
export function inFolders(
  base: string,
  contracts: readonly ServiceContract[],
): Pick<Extension, "services" | "migrations"> {
  const each = <T>(make: (service: string) => T) =>
    Object.fromEntries(contracts.map(({ service }) => [service, make(service)]));
  return {
    services: each((it) => () => import(new URL(`./${it}/${it}.service${extname(base)}`, base).href)),
    migrations: each((it) => [{ folder: new URL(`./${it}/migrations/`, base), nested: true }]),
  };
}

/** Combines several extensions. @throws when two have the same name, or a part of the same name */
export function combine(first: Extension, ...others: readonly Extension[]): Extension {
  const names = new Set([first.name]);
  const combined: Record<string, unknown> = { ...first };
  for (const { name, migrations, fields, ...parts } of others) {
    if (names.has(name)) throw new Error(`there are two extensions ${name}`);
    names.add(name);
    for (const [part, value] of Object.entries(parts))
      combined[part] = joined(`extension ${name}: ${part}`, combined[part], value);
    combined.fields = joinFields(combined.fields as DeclaredFields, fields);
    combined.migrations = joinLists(combined.migrations as Extension["migrations"], migrations);
  }
  return combined as Record<string, unknown> & Extension;
}

function joined(what: string, before: unknown, added: unknown): unknown {
  if (before === undefined || added === undefined) return before ?? added;
  if (Array.isArray(before)) return [...before, ...(added as readonly unknown[])];
  for (const key of Object.keys(added as object))
    if (Object.hasOwn(before as object, key)) throw new Error(`${what}: there is ${key} already`);
  return { ...(before as object), ...(added as object) };
}

function joinLists(before: Extension["migrations"], added: Extension["migrations"]): Extension["migrations"] {
  const services = [...new Set([...Object.keys(before), ...Object.keys(added)])];
  return Object.fromEntries(services.map((it) => [it, [...(before[it] ?? []), ...(added[it] ?? [])]]));
}

function joinFields(before: DeclaredFields, added: DeclaredFields): DeclaredFields {
  const things = [...new Set([...Object.keys(before), ...Object.keys(added)])];
  return Object.fromEntries(things.map((it) => [it, { ...before[it], ...added[it] }]));
}

export const serviceNames = ({ services }: Extension): readonly string[] => Object.keys(services);

/** Loads services by name, in the order of the list. @throws on an unknown name */
export async function loadServices(
  { services }: Extension,
  names: readonly string[],
): Promise<ServiceSchema[]> {
  const known = Object.keys(services);
  const unknown = names.find((name) => !Object.hasOwn(services, name));
  if (unknown !== undefined) throw new Error(`there is no service ${unknown}; there are ${known.join(", ")}`);
  const wanted = Object.entries(services).filter(([name]) => names.includes(name));
  return Promise.all(wanted.map(async ([, load]) => (await load()).default));
}
