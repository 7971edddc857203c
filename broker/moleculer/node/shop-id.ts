/**
 * Which shop a database is of. The id is made once and kept in `souk_shop`, and a copy of it in each service's own
 * database: so it is noticed when one of them is another shop's. `broker/bus/amqp/claim-shop.ts` has RabbitMQ's part.
 */
import { randomUUID } from "node:crypto";
import type { Connection } from "mongoose";
import { ConfigError } from "../../contract/variables.ts";
import type { Database } from "../../mongo/database.ts";
import { isDuplicateKey } from "../../mongo/duplicate-key.ts";

/** The service name that the database `souk_shop` has for {@link Database.service}. */
const ROOT = "shop";
const COLLECTION = "shop";
const KEY = "shop";

interface ShopDocument {
  _id: typeof KEY;
  id: string;
  /** AMQP_PREFIX that the shop's messages are under; only in `souk_shop`, and only once it has had RabbitMQ. */
  prefix?: string;
}

export interface ShopIdentity {
  readonly id: string;
  readonly prefix: string | undefined;
}

type Databases = Pick<Database, "service">;

/**
 * The shop of these databases; a new one where nobody has been yet. Where `souk_shop` has been lost, e.g. by a restore
 * without it, it is what the services' databases say.
 * @throws {ConfigError} when these are of several shops
 */
export async function identifyShop(databases: Databases, services: readonly string[]): Promise<ShopIdentity> {
  const root = shops(databases.service(ROOT));
  const known = await root.findOne({ _id: KEY });
  if (known) return { id: known.id, prefix: known.prefix };
  const id = (await idOfServices(databases, services)) ?? randomUUID();
  return { id: await enter(databases.service(ROOT), id), prefix: undefined };
}

/**
 * Writes the id into the databases of these services, where it is missing.
 * @throws {ConfigError} when one of them is another shop's
 */
export async function enterServices(
  databases: Databases,
  services: readonly string[],
  { id }: ShopIdentity,
): Promise<void> {
  for (const service of services) {
    const found = await enter(databases.service(service), id);
    if (found !== id)
      throw new ConfigError(
        `MONGO_URL: the database souk_${service} is of shop ${found}, but souk_shop is of shop ${id}; ` +
          "restore all databases of one shop",
      );
  }
}

/** From now on no node of another AMQP_PREFIX is let in. */
export async function bindPrefix(databases: Databases, prefix: string): Promise<void> {
  await shops(databases.service(ROOT)).updateOne({ _id: KEY }, { $set: { prefix } });
}

async function idOfServices(databases: Databases, services: readonly string[]): Promise<string | undefined> {
  const found = new Map<string, string>();
  for (const service of services) {
    const document = await shops(databases.service(service)).findOne({ _id: KEY });
    if (document) found.set(document.id, service);
  }
  if (found.size > 1)
    throw new ConfigError(
      `MONGO_URL: the databases are of several shops: ${[...found]
        .map(([id, service]) => `souk_${service} of ${id}`)
        .join(", ")}`,
    );
  return found.keys().next().value;
}

/** @returns the id that is there now: of several that come at once one wins */
async function enter(connection: Connection, id: string): Promise<string> {
  const collection = shops(connection);
  const found = await collection.findOne({ _id: KEY });
  if (found) return found.id;
  try {
    await collection.insertOne({ _id: KEY, id });
    return id;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const winner = await collection.findOne({ _id: KEY });
    if (!winner) throw error;
    return winner.id;
  }
}

const shops = (connection: Connection) => connection.collection<ShopDocument>(COLLECTION);
