/** A store in a temporary folder with a driver connected to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { type EmbeddedMongo, type EmbeddedMongoOptions, startEmbeddedMongo } from "../../src/index.ts";
import { driverOptions } from "../../src/port/driver.ts";
import { type RunOptions, runStore } from "../../src/run.ts";

export interface Started {
  readonly dir: string;
  readonly uri: string;
  /** For further clients. */
  readonly options: object;
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

export async function startStore(
  transport: Transport = "socket",
  more: Partial<EmbeddedMongoOptions> = {},
): Promise<Started> {
  const dir = temporaryFolder();
  const store: EmbeddedMongo = await startEmbeddedMongo({ dir, ...more });
  const options = transport === "socket" ? {} : driverOptions(store.uri);
  const client = await MongoClient.connect(store.uri, { maxPoolSize: 50, ...options });
  return {
    dir,
    uri: store.uri,
    client,
    options,
    db: client.db("shop"),
    stop: async () => {
      await client.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A store that this thread runs. Its client is another connection of the same thread. */
export async function serveStore(options: Partial<RunOptions>, dir = temporaryFolder()): Promise<Started> {
  const failed = (error: unknown): void => {
    throw error;
  };
  const store = await runStore({ dir, ...options }, failed);
  const client = await MongoClient.connect(store.uri, { maxPoolSize: 50 });
  return {
    dir,
    uri: store.uri,
    options: {},
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
