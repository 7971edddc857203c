/** A store in a temporary folder with a driver connected to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import { type EmbeddedMongo, type EmbeddedMongoOptions, startEmbeddedMongo } from "../../src/index.ts";
import { useMessagePort } from "../../src/port/driver.ts";
import { type RunOptions, runStore } from "../../src/run.ts";

export interface Started {
  readonly dir: string;
  readonly uri: string;
  /** Connects a further client in the same way. */
  connect(options?: MongoClientOptions): Promise<MongoClient>;
  readonly client: MongoClient;
  readonly db: Db;
  stop(): Promise<void>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "souk-store-"));
}

export const transports = ["message port", "socket"] as const;
export type Transport = (typeof transports)[number];

/** Describes the same tests for clients of this process, which use a message port, and for all others. */
export function onEachTransport(title: string, tests: (transport: Transport) => void): void {
  for (const transport of transports) describe(`${title} (${transport})`, () => tests(transport));
}

export async function connectTo(
  uri: string,
  transport: Transport,
  options: MongoClientOptions = {},
): Promise<MongoClient> {
  const client = await MongoClient.connect(uri, options);
  if (transport === "message port") useMessagePort(client, uri);
  return client;
}

export async function startStore(
  transport: Transport = "socket",
  more: Partial<EmbeddedMongoOptions> = {},
): Promise<Started> {
  const dir = temporaryFolder();
  return connected(dir, await startEmbeddedMongo({ dir, ...more }), transport);
}

/** A store that this thread runs. Its client is another connection of the same thread. */
export async function serveStore(options: Partial<RunOptions>, dir = temporaryFolder()): Promise<Started> {
  const failed = (error: unknown): void => {
    throw error;
  };
  return connected(dir, await runStore({ dir, ...options }, failed), "socket");
}

async function connected(dir: string, store: EmbeddedMongo, transport: Transport): Promise<Started> {
  const connect = (options: MongoClientOptions = {}) => connectTo(store.uri, transport, options);
  const client = await connect({ maxPoolSize: 50 });
  return {
    dir,
    uri: store.uri,
    connect,
    client,
    db: client.db("shop"),
    stop: async () => {
      await client.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Waits until `ready` returns true. Fails after the deadline. */
export async function until(what: string, ready: () => Promise<boolean>, ms = 8000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await ready())) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
