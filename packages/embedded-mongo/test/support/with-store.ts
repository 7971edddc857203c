/** A store in a temporary folder with a driver connected to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import { type EmbeddedMongo, startEmbeddedMongo } from "../../src/index.ts";

export interface Started {
  readonly dir: string;
  readonly uri: string;
  readonly client: MongoClient;
  readonly db: Db;
  stop(): Promise<void>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "souk-store-"));
}

export async function startStore(): Promise<Started> {
  const dir = temporaryFolder();
  const store: EmbeddedMongo = await startEmbeddedMongo({ dir });
  const client = await MongoClient.connect(store.uri, { maxPoolSize: 50 });
  return {
    dir,
    uri: store.uri,
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
