/** The embedded document store: MongoDB's wire protocol over SQLite, for laptops, tests and small shops. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { keptUri, keptUriFile, passwordOf, socketUri } from "./kept-uri.ts";
import { CommandPort, commandPorts } from "./port/command-port.ts";
import type { RunOptions } from "./run.ts";

export { tcpUri } from "./kept-uri.ts";
export { closeDataFolder } from "./storage/private-files.ts";

/** The program that runs a store as a separate process: a file for `node`. Its first line of output is the URI. */
export const storeProgram = fileURLToPath(new URL("./main.ts", import.meta.url));

export interface EmbeddedMongoOptions {
  /** Data folder, created if missing, and closed to other users. `":memory:"` stores nothing. */
  dir: string;
  /**
   * Where to listen. Default: a Unix socket that only this user may open. It is in `dir`, or elsewhere if its path
   * is too long (socket-place.ts). On TCP, which must be requested, clients log in. The URI then has a password: the given
   * one, that of the last run, or a generated one.
   */
  listen?: RunOptions["listen"];
  /** `full` (default): acknowledged writes survive a loss of power. `normal`: they survive a crash of the process. */
  sync?: "full" | "normal";
  /** Threads for reads that take long, so that no write waits for them. Default: 1 or 2, by the machine's cores. */
  readers?: number;
}

export interface EmbeddedMongo {
  /** For any MongoDB driver, without a database name. */
  uri: string;
  /** Answers running commands, writes everything into the data file and ends the thread. */
  close(): Promise<void>;
}

/**
 * Where the store that runs on `dir` listens, after a start failed with "in use". Only the store's own user may read
 * it.
 */
export function runningStoreUri(dir: string): string | undefined {
  const socket = resolve(dir, "mongodb.sock");
  // A version without a stored URI listened only there.
  return keptUri(resolve(dir)) ?? (existsSync(socket) ? socketUri(socket) : undefined);
}

/** Variable and value, ready for a shell, with which a node uses the store that runs on `dir`. Shows no password. */
export function settingOfRunningStore(dir: string): string | undefined {
  const uri = runningStoreUri(dir);
  if (uri === undefined) return undefined;
  const secret = passwordOf(uri) !== undefined;
  return secret ? `MONGO_URL_FILE='${keptUriFile(resolve(dir))}'` : `MONGO_URL='${uri}'`;
}

/** Megabytes of objects that the thread has just made. A command leaves few, so that more would not save time. */
const youngMb = 12;

type Said = { uri?: string; failed?: string; closed?: boolean };

/** Starts the store in a worker thread of this process. Rejects when the folder is in use or not writable. */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { port1, port2 } = new MessageChannel();
  const { dir, listen, sync, readers } = options;
  const workerData: RunOptions = { dir, listen, sync, readers, commands: port2 };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData,
    transferList: [port2],
    name: "embedded-mongo",
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
  });
  const [said] = (await once(worker, "message")) as [Said];
  const { uri } = said;
  if (uri === undefined) {
    throw new Error(said.failed ?? "the embedded store did not start");
  }
  const commands = new CommandPort(port1);
  commandPorts.set(uri, commands);
  worker.once("exit", () => {
    commandPorts.delete(uri);
    commands.end();
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const ended = once(worker, "exit");
    worker.postMessage("close");
    await ended;
  };
  return {
    uri,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
