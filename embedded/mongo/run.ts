/** Puts store, server and sweeper together. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ListenOn, MongoServer } from "./server.ts";
import type { SyncMode } from "./storage/database.ts";
import { Store } from "./store.ts";
import { sweep } from "./sweeper.ts";

export interface RunOptions {
  readonly dir: string;
  readonly listen?:
    | { readonly socket: string }
    | { readonly host?: string; readonly port?: number }
    | undefined;
  readonly sync?: SyncMode | undefined;
  /** Milliseconds between sweeps for expired documents; 1,000 by default. */
  readonly sweepEvery?: number | undefined;
}

export interface Running {
  readonly uri: string;
  close(): Promise<void>;
}

/** Unix socket paths end at about 108 bytes. */
const longestSocketPath = 100;

/** Opens the store in this thread and serves it. */
export async function runStore(options: RunOptions, onFatal: (error: unknown) => void): Promise<Running> {
  const memory = options.dir === ":memory:";
  const dir = memory ? options.dir : resolve(options.dir);
  if (!memory) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const store = new Store({ dir, sync: memory ? "normal" : (options.sync ?? "full") });
  const server = new MongoServer(store);
  server.onFatal = onFatal;
  let address: string;
  const on = where(options, dir);
  try {
    address = await server.listen(on);
  } catch (error) {
    await store.close();
    throw error;
  }
  const timer = setInterval(() => {
    try {
      server.background(() => sweep(store));
    } catch (error) {
      onFatal(error);
    }
  }, options.sweepEvery ?? 1000);
  return {
    uri: uriOf(on, address),
    close: async () => {
      clearInterval(timer);
      await server.close();
    },
  };
}

function where(options: RunOptions, dir: string): ListenOn {
  const { listen } = options;
  if (listen !== undefined && "socket" in listen) return { socket: resolve(listen.socket) };
  if (listen !== undefined) return { host: listen.host ?? "127.0.0.1", port: listen.port ?? 0 };
  const socket = join(dir, "mongodb.sock");
  if (dir === ":memory:" || Buffer.byteLength(socket) > longestSocketPath || process.platform === "win32") {
    return { host: "127.0.0.1", port: 0 };
  }
  return { socket };
}

function uriOf(on: ListenOn, address: string): string {
  const host = "socket" in on ? encodeURIComponent(on.socket) : address;
  return `mongodb://${host}/?directConnection=true`;
}
