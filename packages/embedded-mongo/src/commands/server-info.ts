/** Commands about the server and the connection, which drivers send first. */
import { hostname } from "node:os";
import { Long, ObjectId } from "bson";
import { StoreError } from "../errors.ts";
import { MECHANISM, speculativeStart } from "./authenticate.ts";
import type { Context, Reply } from "./context.ts";

const version = "7.0.0";

export function hello(context: Context): Reply {
  const { store, request, now } = context;
  const { address } = store;
  return {
    ...(request.name === "hello" ? { isWritablePrimary: true } : { ismaster: true, isWritablePrimary: true }),
    helloOk: true,
    setName: "souk",
    setVersion: 1,
    secondary: false,
    hosts: [address],
    primary: address,
    me: address,
    electionId: new ObjectId("7fffffff0000000000000001"),
    lastWrite: { lastWriteDate: new Date(now) },
    maxBsonObjectSize: 16 * 1024 * 1024,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(now),
    logicalSessionTimeoutMinutes: 30,
    connectionId: request.connection.id,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ...(store.credentials && request.has("saslSupportedMechs") ? { saslSupportedMechs: [MECHANISM] } : {}),
    speculativeAuthenticate: speculativeStart(context),
  };
}

export const ping = (): Reply => ({});

export function buildInfo(): Reply {
  return {
    version,
    versionArray: [7, 0, 0, 0],
    gitVersion: "souk",
    modules: [],
    sysInfo: "deprecated",
    bits: 64,
    debug: false,
    maxBsonObjectSize: 16 * 1024 * 1024,
    storageEngines: ["sqlite"],
  };
}

export function serverStatus(context: Context): Reply {
  const { store, now, request } = context;
  const uptime = (now - store.startedAt) / 1000;
  const count = (name: string): number => store.opcounters.get(name) ?? 0;
  const sections = {
    host: hostname(),
    version,
    process: "souk-embedded",
    pid: Long.fromNumber(process.pid),
    uptime,
    uptimeMillis: Long.fromNumber(Math.round(uptime * 1000)),
    localTime: new Date(now),
    connections: {
      current: store.connections,
      available: 10_000,
      totalCreated: store.totalConnections,
      active: store.connections,
    },
    opcounters: {
      insert: count("insert"),
      query: count("find"),
      update: count("update"),
      delete: count("delete"),
      getmore: count("getMore"),
      command: [...store.opcounters.values()].reduce((sum, n) => sum + n, 0),
    },
    // As MongoDB calls them in the section of its own engine.
    sqlite: {
      log: { "log sync operations": store.database.flushes },
      transaction: { "transactions committed": store.database.commits },
    },
    metrics: { cursor: { open: { total: store.cursors.size } } },
    ...(store.readers ? { readers: store.readers.status } : {}),
    repl: {
      setName: "souk",
      isWritablePrimary: true,
      secondary: false,
      hosts: [store.address],
      me: store.address,
    },
    storageEngine: { name: "sqlite", supportsCommittedReads: true, persistent: true },
    mem: { bits: 64, resident: Math.round(process.memoryUsage.rss() / 1048576), supported: true },
  };
  const left = (name: string): boolean => !request.has(name) || request.flag(name);
  return Object.fromEntries(Object.entries(sections).filter(([name]) => left(name)));
}

export function hostInfo(context: Context): Reply {
  return {
    system: { currentTime: new Date(context.now), hostname: hostname() },
    os: { type: process.platform },
    extra: {},
  };
}

export function getParameter(context: Context): Reply {
  const known: Record<string, unknown> = {
    featureCompatibilityVersion: { version: "7.0" },
    authenticationMechanisms: context.store.credentials ? [MECHANISM] : [],
    requireApiVersion: false,
    logicalSessionRefreshMillis: 300_000,
  };
  const all = context.request.string("getParameter") === "*";
  const found = all
    ? known
    : Object.fromEntries(Object.entries(known).filter(([name]) => context.request.has(name)));
  if (Object.keys(found).length === 0) throw new StoreError(72, "no option found to get");
  return found;
}

export function getLog(context: Context): Reply {
  if (context.request.string("getLog") === "*") return { names: ["global", "startupWarnings"] };
  return { totalLinesWritten: 0, log: [] };
}

export function getCmdLineOpts(): Reply {
  return { argv: [], parsed: {} };
}

export function whatsmyuri(context: Context): Reply {
  return { you: `connection:${context.request.connection.id}` };
}

export function replSetGetStatus(context: Context): Reply {
  return {
    set: "souk",
    date: new Date(context.now),
    myState: 1,
    members: [{ _id: 0, name: context.store.address, health: 1, state: 1, stateStr: "PRIMARY", self: true }],
  };
}
