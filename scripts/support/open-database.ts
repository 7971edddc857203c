/** The shop's databases for a script: MongoDB, or the embedded store, whether or not the shop runs on it. */

import { type EmbeddedMongo, runningStoreUri, startEmbeddedMongo } from "@souk/embedded-mongo";
import type { Config } from "../../broker/moleculer/config.ts";
import { serviceNames } from "../../broker/moleculer/extension.ts";
import { scriptLog } from "../../broker/moleculer/log/logger.ts";
import { storeFolder } from "../../broker/moleculer/node/data-folder.ts";
import { connectDatabases, type Database } from "../../broker/mongo/database.ts";
import { ownDatabases } from "../../broker/mongo/service-databases.ts";
import { loadShop } from "../../souk/load-shop.ts";

const TIMEOUT_MS = 30_000;

export interface OpenDatabase {
  readonly database: Database;
  close(): Promise<void>;
}

/** @param name of the script, for its log */
export async function openDatabase(config: Config, name: string): Promise<OpenDatabase> {
  const log = scriptLog(config, name);
  // A command must end. In a pipeline nobody would see what it waits for.
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const own = ownDatabases(config, serviceNames(await loadShop(config.EXTENSIONS)));
  if (config.MONGO_URL) {
    const database = await connectDatabases(config.MONGO_URL, own, log, timeout, true);
    return { database, close: () => database.close() };
  }
  const dir = storeFolder(config);
  const store = await startOrFind(dir, config);
  const database = await connectDatabases(store.uri, own, log, timeout, true);
  return {
    database,
    async close() {
      await database.close();
      await store.close();
    },
  };
}

/** The store in `dir`: started here, or the one of a running shop, over its socket. */
async function startOrFind(dir: string, config: Config): Promise<EmbeddedMongo> {
  try {
    return await startEmbeddedMongo({ dir, sync: config.EMBEDDED_SYNC });
  } catch (error) {
    const uri = runningStoreUri(dir);
    if (!/in use/.test((error as Error).message) || uri === undefined) throw error;
    return { uri, close: async () => undefined };
  }
}
