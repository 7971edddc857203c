/** MongoDB connections: one client per node, one database per service. */
import mongoose, { type Connection } from "mongoose";
import { failWithLostConnections } from "./lost-connections.ts";
import { redact } from "./redact.ts";
import type { Log } from "./runtime.ts";

/** How long an operation looks for a server before it fails as a passing error (the caller gets 503). */
const SERVER_SELECTION_MS = 2_000;

// Operators in a query can only be written by us: what came from outside is wrapped in $eq.
mongoose.set("sanitizeFilter", true);
mongoose.set("strictQuery", true);

failWithLostConnections();

export interface Database {
  service(name: string): Connection;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects, waiting with back-off while MongoDB is away, and saying so.
 * @param uri without a database name
 */
export async function connectDatabase(uri: string, log: Log, signal?: AbortSignal): Promise<Database> {
  const client = await connectPatiently(uri, log, signal);
  return {
    service: (name) => client.useDb(`souk_${name}`, { useCache: true }),
    async ping() {
      await client.getClient().db("admin").command({ ping: 1 }, { timeoutMS: SERVER_SELECTION_MS });
    },
    close: () => client.close(),
  };
}

async function connectPatiently(uri: string, log: Log, signal?: AbortSignal): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    const connection = mongoose.createConnection(uri, {
      autoIndex: false,
      autoCreate: false,
      bufferCommands: false,
      maxPoolSize: 20,
      serverSelectionTimeoutMS: SERVER_SELECTION_MS,
      writeConcern: { w: "majority", journal: true },
      readConcern: { level: "majority" },
      retryWrites: true,
    });
    try {
      return await connection.asPromise();
    } catch (error) {
      await connection.destroy();
      if (signal?.aborted) throw error;
      const delay = Math.min(500 * 2 ** (attempt - 1), 10_000);
      log.warn(`waiting for MongoDB at ${redact(uri)}`, {
        retryInMs: delay,
        reason: (error as Error).message,
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}
