/** The embedded document store: MongoDB's wire protocol over SQLite, for laptops, tests and small shops. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { RunOptions } from "./run.ts";

export interface EmbeddedMongoOptions {
  /** Data folder, created if need be; `":memory:"` keeps nothing. */
  dir: string;
  /**
   * Where to listen; by default a unix socket in `dir` that only this user may open, or, where its path would be
   * too long or `dir` is `":memory:"`, a free port on 127.0.0.1.
   */
  listen?: { socket: string } | { host?: string; port?: number };
  /** `full` (default): acknowledged writes survive a loss of power; `normal`: they survive a crash of the process. */
  sync?: "full" | "normal";
}

export interface EmbeddedMongo {
  /** For any MongoDB driver, without a database name. */
  uri: string;
  /** Answers what runs, writes everything into the data file and ends the thread. */
  close(): Promise<void>;
}

type Said = { uri?: string; failed?: string; closed?: boolean };

/** Starts the store in a worker thread of this process. Rejects when the folder is in use or can't be written. */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const workerData: RunOptions = { dir: options.dir, listen: options.listen, sync: options.sync };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData, name: "embedded-mongo" });
  const [said] = (await once(worker, "message")) as [Said];
  if (said.uri === undefined) {
    throw new Error(said.failed ?? "the embedded store did not start");
  }
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const ended = once(worker, "exit");
    worker.postMessage("close");
    await ended;
  };
  return {
    uri: said.uri,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
