/**
 * Where the store's socket lies. In its own folder, unless the path would be too long for a socket: then in a short
 * folder of its own in the user's runtime folder or the folder for temporary files. That one has a random name, which
 * only the store's `uri` file tells, and is made by one call that fails where anything has the name already.
 */
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { keptUri, socketOf } from "./kept-uri.ts";
import { isPrivateFolder } from "./storage/private-files.ts";

export interface SocketPlace {
  readonly socket: string;
  /** Takes a folder away that was made for the socket. */
  leave(): void;
}

const NAME = "mongodb.sock";
/** Unix socket paths end at about 108 bytes, on some systems at 104. */
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

/** The folder of the last run: whoever was told the address then finds the store there again. */
function formerFolder(dir: string): string | undefined {
  const socket = socketOf(keptUri(dir));
  if (socket === undefined || !fits(socket)) return undefined;
  const folder = dirname(socket);
  if (!SHORT_FOLDER.test(basename(folder))) return undefined;
  try {
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch {
    // It was not taken away (the last run was killed), or is somebody else's by now, or can't be made.
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
