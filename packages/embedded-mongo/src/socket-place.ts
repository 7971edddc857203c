/**
 * Place of the store's socket. It is in the store's folder, unless the path would be too long. Then it is in a short
 * folder in the user's runtime folder or the folder for temporary files. That folder has a random name, known only
 * from the store's `uri` file. One call creates it, which fails if the name exists.
 */
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { keptUri, socketOf } from "./kept-uri.ts";
import { isPrivateFolder } from "./storage/private-files.ts";

export interface SocketPlace {
  readonly socket: string;
  /** Removes a folder that was made for the socket. */
  leave(): void;
}

const NAME = "mongodb.sock";
/** Unix socket paths have at most about 108 bytes, on some systems 104. */
const LONGEST = 100;
const PREFIX = "souk-";
const SHORT_FOLDER = /^souk-[A-Za-z0-9]{6}$/;

/** @param dir the store's folder, undefined for one in memory */
export function socketPlace(dir: string | undefined): SocketPlace {
  const own = dir === undefined ? undefined : join(dir, NAME);
  if (own !== undefined && fits(own)) return { socket: own, leave: () => undefined };
  const folder = (dir === undefined ? undefined : formerFolder(dir)) ?? newFolder();
  return { socket: join(folder, NAME), leave: () => rmdirSync(folder) };
}

const fits = (socket: string): boolean => Buffer.byteLength(socket) <= LONGEST;

/** The folder of the last run, so that known addresses still work. */
function formerFolder(dir: string): string | undefined {
  const socket = socketOf(keptUri(dir));
  if (socket === undefined || !fits(socket)) return undefined;
  const folder = dirname(socket);
  if (!SHORT_FOLDER.test(basename(folder))) return undefined;
  try {
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch {
    // It still exists (the last run was killed), belongs to another user, or can't be created.
    return isPrivateFolder(folder) ? folder : undefined;
  }
}

function newFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const places = [...(runtime && isPrivateFolder(runtime) ? [runtime] : []), tmpdir(), "/tmp"];
  const place = places.find((it) => fits(join(it, `${PREFIX}XXXXXX`, NAME)));
  if (place === undefined) throw new Error("there is no folder with a path short enough for a socket");
  return mkdtempSync(join(place, PREFIX));
}
