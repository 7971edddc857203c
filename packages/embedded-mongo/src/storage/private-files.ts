/**
 * What the store keeps is for the user who runs it alone: its folder has mode 0700, its files 0600. An earlier version
 * made them readable for everybody, so what is there is tightened at each start.
 */
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, readdirSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";

/** The file that makes a folder a store's. */
export const STORE_FILE = "store.sqlite";

/**
 * Makes the store's folder where it is missing, and private with all that is in it where it is there.
 * @throws when it holds other things than a store, a symbolic link, or something of another user
 */
export function openPrivateFolder(dir: string): void {
  if (!makeFolder(dir)) {
    const names = readdirSync(dir);
    // A slip in a setting must not change the modes of a folder that is not ours.
    if (names.length > 0 && !names.includes(STORE_FILE) && !names.every((it) => OWN_FILES.test(it)))
      throw new Error(`the data folder ${dir} holds other things; give the store a folder of its own`);
    tighten(dir);
  }
  touchPrivate(join(dir, STORE_FILE));
}

/** What a store may have left behind before it had made its database. */
const OWN_FILES = /^(mongodb\.sock|uri|uri\.new)$/;

/** Makes a file that only this user can open, unless it is there. */
function touchPrivate(file: string): void {
  closeSync(openSync(file, "a", 0o600));
}

/**
 * Makes a folder around a store (DATA_DIR) private, unless it also has folders of others: then it is left as it is,
 * since what is secret lies in the store's own folder.
 */
export function closeDataFolder(dir: string): void {
  if (makeFolder(dir)) return;
  const { mode } = ownStats(dir);
  const others = readdirSync(dir, { withFileTypes: true }).filter(
    (it) => it.isDirectory() && !["mongo", "lost+found"].includes(it.name),
  );
  if (others.length === 0 && (mode & 0o077) !== 0) chmodSync(dir, mode & 0o700);
}

/** @returns whether it was made just now; the folders above it keep to the rules of their own */
function makeFolder(dir: string): boolean {
  mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(dir, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** Takes all rights of group and others from a folder and what is in it. Links are refused, not followed. */
function tighten(path: string): void {
  const stats = ownStats(path);
  if (stats.isSymbolicLink()) throw new Error(`the data folder has a symbolic link in it: ${path}`);
  if ((stats.mode & 0o077) !== 0) chmodSync(path, stats.mode & 0o700);
  if (!stats.isDirectory()) return;
  for (const name of readdirSync(path)) tighten(join(path, name));
}

function ownStats(path: string): Stats {
  const stats = lstatSync(path);
  const me = process.getuid?.();
  if (me !== undefined && stats.uid !== me)
    throw new Error(
      `the data folder is not this user's alone: ${path} belongs to user ${stats.uid}, not ${me}`,
    );
  return stats;
}

/** Whether a folder is there, this user's, and closed to everybody else. */
export function isPrivateFolder(dir: string): boolean {
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return false;
  return (stats.mode & 0o077) === 0 && stats.uid === (process.getuid?.() ?? stats.uid);
}
