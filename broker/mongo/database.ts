/** MongoDB connections: one client per node and server, one database per service. */
import { setTimeout as sleep } from "node:timers/promises";
import { useMessagePort } from "@souk/embedded-mongo/driver";
import mongoose, { type Connection } from "mongoose";
import { redact, redactedReason } from "../contract/secrets/redact.ts";
import type { Log } from "../resilience/log.ts";
import { rateLimitedLog } from "../resilience/rate-limited-log.ts";
import { refused } from "../resilience/refusals.ts";
import { failWithLostConnections } from "./driver-patch.ts";
import { mongoRefusal } from "./refusals.ts";
import type { OwnDatabase } from "./service-databases.ts";

/** How long an operation looks for a server before it fails as a transient error. The caller gets 503. */
const SERVER_SELECTION_MS = 1_000;
/**
 * How often a server is checked that keeps its connections and does not answer (frozen, or behind a cut). If a check
 * fails, everything in flight fails as on a lost connection. Whether it was done is unknown.
 */
const LOOK_EVERY_MS = 500;
const ANSWERS_WITHIN_MS = 2_500;
/** Time limit for work that may keep a small server busy: indexes, large copies. */
const SLOW_ANSWERS_MS = 60_000;
const MAX_DELAY_MS = 5_000;

// Only our code may write operators in a query. sanitizeFilter wraps outside values in $eq.
mongoose.set("sanitizeFilter", true);
mongoose.set("strictQuery", true);

failWithLostConnections();

export interface Database {
  service(name: string): Connection;
  ping(): Promise<void>;
  /** Runs work that may keep a service's server busy for a while, on separate connections. */
  withSlowAnswers<T>(service: string, work: (database: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Connects. While MongoDB is away, it waits with growing pauses and logs that.
 * @param uri without a database name
 * @param signal stops the waiting
 * @param slowAnswers for scripts, whose work may keep the server busy for a while
 * @param variable where `uri` is configured
 * @throws {ConfigError} where MongoDB refuses this configuration
 */
export async function connectDatabase(
  uri: string,
  log: Log,
  signal?: AbortSignal,
  slowAnswers = false,
  variable = "MONGO_URL",
): Promise<Database> {
  const answersWithinMs = slowAnswers ? SLOW_ANSWERS_MS : ANSWERS_WITHIN_MS;
  const client = await connectWithRetries({ uri, variable, answersWithinMs }, log, signal);
  return {
    service: (name) => client.useDb(databaseName(name), { useCache: true }),
    async withSlowAnswers(service, work) {
      const slow = await connectOnce(uri, SLOW_ANSWERS_MS);
      try {
        return await work(slow.useDb(databaseName(service), { useCache: true }));
      } finally {
        await slow.close();
      }
    },
    async ping() {
      await client.getClient().db("admin").command({ ping: 1 }, { timeoutMS: SERVER_SELECTION_MS });
    },
    close: () => client.close(),
  };
}

const databaseName = (service: string): string => `souk_${service}`;

/**
 * Like {@link connectDatabase}, for several servers.
 * @param own by service; all others are at `uri`
 */
export async function connectDatabases(
  uri: string,
  own: ReadonlyMap<string, OwnDatabase>,
  log: Log,
  signal?: AbortSignal,
  slowAnswers = false,
): Promise<Database> {
  const servers = new Map([[uri, "MONGO_URL"]]);
  for (const it of own.values()) if (!servers.has(it.uri)) servers.set(it.uri, it.variable);
  const opened = new Map<string, Database>();
  const each = async (work: (it: Database) => Promise<void>) => {
    await Promise.all([...opened.values()].map(work));
  };
  const of = (service: string): Database => {
    const found = opened.get(own.get(service)?.uri ?? uri);
    if (!found) throw new Error(`no server keeps the database of ${service}`);
    return found;
  };
  try {
    for (const [server, variable] of servers)
      opened.set(server, await connectDatabase(server, log, signal, slowAnswers, variable));
  } catch (error) {
    await each((it) => it.close());
    throw error;
  }
  return {
    service: (name) => of(name).service(name),
    withSlowAnswers: (service, work) => of(service).withSlowAnswers(service, work),
    ping: () => each((it) => it.ping()),
    close: () => each((it) => it.close()),
  };
}

interface Server {
  uri: string;
  /** Where it is configured. */
  variable: string;
  /** How long the server may be silent before it counts as away. */
  answersWithinMs: number;
}

async function connectWithRetries(
  { uri, variable, answersWithinMs }: Server,
  log: Log,
  signal?: AbortSignal,
): Promise<Connection> {
  const limitedLog = rateLimitedLog(log);
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectOnce(uri, answersWithinMs);
    } catch (error) {
      const refusal = mongoRefusal(error);
      if (refusal !== undefined) throw refused(variable, refusal);
      const reason = redactedReason(error);
      const delay = Math.min(500 * 2 ** (attempt - 1), MAX_DELAY_MS);
      limitedLog.warn("connect", `waiting for MongoDB at ${redact(uri)}: ${reason}`, { attempt });
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
  // Closes what an attempt has opened, also where it throws at once.
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
    useMessagePort(connection.getClient(), uri);
    // A server with authentication accepts any connection and refuses the first command.
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
