/**
 * Which shop a database belongs to. The id is created once and stored in `souk_shop`. Each service's own database has
 * a copy, so a database of another shop is noticed. `broker/bus/amqp/claim-shop.ts` has RabbitMQ's part.
 */
import { randomUUID } from "node:crypto";
import type { Connection } from "mongoose";
import { ConfigError } from "../../contract/variables.ts";
import type { Database } from "../../mongo/database.ts";
import { isDuplicateKey } from "../../mongo/duplicate-key.ts";

/** The service name of the database `souk_shop` for {@link Database.service}. */
const ROOT = "shop";
const COLLECTION = "shop";
const KEY = "shop";

interface ShopDocument {
  _id: typeof KEY;
  id: string;
  /** AMQP_PREFIX of the shop's messages. Only in `souk_shop`, and only after the first use of RabbitMQ. */
  prefix?: string;
}

export interface ShopIdentity {
  readonly id: string;
  readonly prefix: string | undefined;
}

type Databases = Pick<Database, "service">;

/**
 * The shop of these databases, or a new one for empty databases. If `souk_shop` is lost, for example by a restore
 * without it, the services' databases have the id.
 * @throws {ConfigError} when they belong to several shops
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
 * @throws {ConfigError} when one of them belongs to another shop
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

/** From now on, nodes with another AMQP_PREFIX are refused. */
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

/** @returns the stored id: of several concurrent writers, one wins */
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
