/** A database in memory, which is gone when it is closed. */
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { connectDatabase, type Database } from "../../../broker/mongo/database.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";

export interface MemoryDatabase extends Database {
  /** The server: closed alone, it is a database that is away. */
  readonly store: EmbeddedMongo;
}

export async function openMemoryDatabase(log = silentLog): Promise<MemoryDatabase> {
  const store = await startEmbeddedMongo({ dir: ":memory:" });
  const database = await connectDatabase(store.uri, log);
  return {
    ...database,
    store,
    async close() {
      await database.close();
      await store.close();
    },
  };
}
