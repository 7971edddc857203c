/** Connects store, server and sweeper. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { credentialsOf } from "./auth/scram.ts";
import { keepUri, keptUri, passwordOf, socketUri, tcpUri, USER } from "./kept-uri.ts";
import { Readers } from "./readers/readers.ts";
import { type ListenOn, MongoServer } from "./server.ts";
import { socketPlace } from "./socket-place.ts";
import type { SyncMode } from "./storage/database.ts";
import { isPrivateFolder } from "./storage/private-files.ts";
import { Store } from "./store.ts";
import { sweep } from "./sweeper.ts";

export interface RunOptions {
  readonly dir: string;
  /** Default: a socket in `dir`, or elsewhere if that path is too long. */
  readonly listen?: { readonly socket: string } | TcpOptions | undefined;
  readonly sync?: SyncMode | undefined;
  /** Where the thread that started this one sends commands. */
  readonly commands?: MessagePort | undefined;
  /**
   * Threads for reads that take long, so that no write waits for them: one or two by default, by the machine's cores.
   * 0 lets such reads take turns with all other commands. A store in memory has none.
   */
  readonly readers?: number | undefined;
  /** Milliseconds after which a read goes to such a thread; 2 by default. 0 leaves them all reads. */
  readonly readMs?: number | undefined;
  /** Milliseconds between sweeps for expired documents; 1,000 by default. */
  readonly sweepEvery?: number | undefined;
}

/** On TCP, clients log in as the user `souk`. */
export interface TcpOptions {
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port?: number;
  /** At least 16 characters. Default: that of the last run, or a generated one. */
  readonly password?: string;
}

export interface Running {
  /** Includes the password, where there is one. */
  readonly uri: string;
  close(): Promise<void>;
}

/** Opens the store in this thread and serves it. */
export async function runStore(options: RunOptions, onFatal: (error: unknown) => void): Promise<Running> {
  const memory = options.dir === ":memory:";
  const dir = memory ? options.dir : resolve(options.dir);
  const store = new Store({ dir, sync: memory ? "normal" : (options.sync ?? "full") });
  const most = memory ? 0 : (options.readers ?? defaultReaders());
  const readers = most > 0 ? new Readers(store, { dir, most }) : undefined;
  store.readers = readers;
  const server = new MongoServer(store, readers, options.readMs);
  server.onFatal = onFatal;
  if (options.commands) server.serve(options.commands);
  let open: Opened;
  try {
    open = await listen(options, store, server, memory ? undefined : dir);
  } catch (error) {
    await store.close();
    throw error;
  }
  const timer = setInterval(() => {
    try {
      server.background(() => sweep(store));
      readers?.sweep();
    } catch (error) {
      onFatal(error);
    }
  }, options.sweepEvery ?? 1000);
  return {
    uri: open.uri,
    close: async () => {
      clearInterval(timer);
      await server.close();
      open.leave();
    },
  };
}

/** One core is left to the thread that writes and to whoever asks it. */
const defaultReaders = (): number => Math.max(1, Math.min(2, availableParallelism() - 1));

interface Opened {
  readonly uri: string;
  leave(): void;
}

/** @param dir the store's folder; undefined for one in memory */
async function listen(
  options: RunOptions,
  store: Store,
  server: MongoServer,
  dir: string | undefined,
): Promise<Opened> {
  const asked = options.listen;
  // Windows has no such sockets, so TCP is used there.
  const tcp = asked === undefined ? (process.platform === "win32" ? {} : undefined) : asked;
  const opened =
    tcp === undefined
      ? await onPlacedSocket(server, dir)
      : "socket" in tcp
        ? await onGivenSocket(server, resolve(tcp.socket))
        : await onTcp(server, store, dir, tcp);
  if (dir !== undefined) keepUri(dir, opened.uri);
  return opened;
}

async function onPlacedSocket(server: MongoServer, dir: string | undefined): Promise<Opened> {
  const { socket, leave } = socketPlace(dir);
  return { uri: socketUri(await server.listen({ socket })), leave };
}

/** Until a socket has its mode, anyone may connect to it. So its folder must exclude other users. */
async function onGivenSocket(server: MongoServer, socket: string): Promise<Opened> {
  if (!isPrivateFolder(dirname(socket)))
    throw new Error(
      `the folder of the socket ${socket} must be this user's, and closed to others (mode 0700)`,
    );
  return { uri: socketUri(await server.listen({ socket })), leave: () => undefined };
}

async function onTcp(
  server: MongoServer,
  store: Store,
  dir: string | undefined,
  { host = "127.0.0.1", port = 0, password }: TcpOptions,
): Promise<Opened> {
  const former = dir === undefined ? undefined : passwordOf(keptUri(dir));
  const secret = password ?? former ?? randomBytes(24).toString("base64url");
  store.credentials = credentialsOf(USER, secret);
  const on: ListenOn = { host, port };
  const address = await server.listen(on);
  return { uri: tcpUri(secret, address), leave: () => undefined };
}
