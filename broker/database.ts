/** MongoDB connections: one client per node, one database per service. */
import { setTimeout as sleep } from "node:timers/promises";
import mongoose, { type Connection } from "mongoose";
import { alarmsOf } from "./bus/alarms.ts";
import { failWithLostConnections } from "./lost-connections.ts";
import { redact, redactedReason } from "./redact.ts";
import { mongoRefusal, refused } from "./refusals.ts";
import type { Log } from "./runtime.ts";

/** How long an operation looks for a server before it fails as a passing error (the caller gets 503). */
const SERVER_SELECTION_MS = 1_000;
/**
 * A server that keeps its connections and says nothing (frozen, or behind a cut) is asked so often how it is. Where it does
 * not answer in time, all that is under way there fails as on a lost connection: whether it was done, nobody knows.
 */
const LOOK_EVERY_MS = 500;
const ANSWERS_WITHIN_MS = 2_500;
/** For work that may keep a small server busy: indexes, large copies. */
const ANSWERS_PATIENT_MS = 60_000;
const MAX_DELAY_MS = 5_000;

// Operators in a query can only be written by us: what came from outside is wrapped in $eq.
mongoose.set("sanitizeFilter", true);
mongoose.set("strictQuery", true);

failWithLostConnections();

export interface Database {
  service(name: string): Connection;
  ping(): Promise<void>;
  /** Does work that may keep the server from answering for a while, on connections of its own. */
  patiently<T>(work: (service: (name: string) => Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Connects, waiting with growing pauses while MongoDB is away, and saying so.
 * @param uri without a database name
 * @param signal gives up waiting
 * @param patient for scripts, whose work may keep the server from answering for a while
 * @throws {ConfigError} MongoDB will not have us as configured
 */
export async function connectDatabase(
  uri: string,
  log: Log,
  signal?: AbortSignal,
  patient = false,
): Promise<Database> {
  const client = await connectPatiently(uri, log, patient ? ANSWERS_PATIENT_MS : ANSWERS_WITHIN_MS, signal);
  return {
    service: (name) => client.useDb(databaseName(name), { useCache: true }),
    async patiently(work) {
      const patient = await connectOnce(uri, ANSWERS_PATIENT_MS);
      try {
        return await work((name) => patient.useDb(databaseName(name), { useCache: true }));
      } finally {
        await patient.close();
      }
    },
    async ping() {
      await client.getClient().db("admin").command({ ping: 1 }, { timeoutMS: SERVER_SELECTION_MS });
    },
    close: () => client.close(),
  };
}

const databaseName = (service: string): string => `souk_${service}`;

async function connectPatiently(
  uri: string,
  log: Log,
  answersWithinMs: number,
  signal?: AbortSignal,
): Promise<Connection> {
  const alarms = alarmsOf(log);
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectOnce(uri, answersWithinMs);
    } catch (error) {
      const refusal = mongoRefusal(error);
      if (refusal !== undefined) throw refused("MONGO_URL", refusal);
      const reason = redactedReason(error);
      const delay = Math.min(500 * 2 ** (attempt - 1), MAX_DELAY_MS);
      alarms.warn("connect", `waiting for MongoDB at ${redact(uri)}: ${reason}`, { attempt });
      try {
        await sleep(delay, undefined, signal ? { signal } : {});
      } catch (cause) {
        throw new Error(`MongoDB at ${redact(uri)} is away: ${reason}`, { cause });
      }
    }
  }
}

/** @param answersWithinMs how long the server may be silent before it counts as away */
async function connectOnce(uri: string, answersWithinMs: number): Promise<Connection> {
  // Lets go of what an attempt has opened, also where it throws at once.
  const connection = mongoose.createConnection();
  try {
    await connection.openUri(uri, {
      autoIndex: false,
      autoCreate: false,
      bufferCommands: false,
      maxPoolSize: 20,
      serverSelectionTimeoutMS: SERVER_SELECTION_MS,
      heartbeatFrequencyMS: LOOK_EVERY_MS,
      connectTimeoutMS: answersWithinMs,
      serverMonitoringMode: "poll",
      writeConcern: { w: "majority", journal: true },
      readConcern: { level: "majority" },
      retryWrites: true,
    });
    // A server that wants a user lets anybody connect, and refuses what comes after.
    await connection
      .getClient()
      .db("admin")
      .command(
        { listDatabases: 1, nameOnly: true, authorizedDatabases: true },
        { timeoutMS: SERVER_SELECTION_MS },
      );
    return connection;
  } catch (error) {
    await connection.destroy();
    throw error;
  }
}
