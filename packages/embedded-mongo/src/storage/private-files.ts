/**
 * The store's files are for its own user only: the folder has mode 0700, the files 0600. An earlier version made them
 * readable for everybody, so each start corrects existing modes.
 */
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, readdirSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";

/** The file that marks a store's folder. */
export const STORE_FILE = "store.sqlite";

/**
 * Creates the store's folder, or makes an existing one private with everything in it.
 * @throws when it contains anything but a store, a symbolic link, or another user's file
 */
export function openPrivateFolder(dir: string): void {
  if (!makeFolder(dir)) {
    const names = readdirSync(dir);
    // A wrong setting must not change the modes of an unrelated folder.
    if (names.length > 0 && !names.includes(STORE_FILE) && !names.every((it) => OWN_FILES.test(it)))
      throw new Error(`the data folder ${dir} holds other things; give the store a folder of its own`);
    tighten(dir);
  }
  touchPrivate(join(dir, STORE_FILE));
}

/** Files that a store may have left before it created its database. */
const OWN_FILES = /^(mongodb\.sock|uri|uri\.new)$/;

/** Creates a file that only this user can open, unless it exists. */
function touchPrivate(file: string): void {
  closeSync(openSync(file, "a", 0o600));
}

/**
 * Makes the folder around a store (DATA_DIR) private. If it also contains unrelated folders, it is left as it is.
 * The secrets are in the store's own folder.
 */
export function closeDataFolder(dir: string): void {
  if (makeFolder(dir)) return;
  const { mode } = ownStats(dir);
  const others = readdirSync(dir, { withFileTypes: true }).filter(
    (it) => it.isDirectory() && !["mongo", "lost+found"].includes(it.name),
  );
  if (others.length === 0 && (mode & 0o077) !== 0) chmodSync(dir, mode & 0o700);
}

/** @returns whether it was created now; the folders above it keep their own modes */
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

/** Removes all rights of group and others from a folder and its contents. Links are refused, not followed. */
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

/** Whether a folder exists, belongs to this user, and is closed to all others. */
export function isPrivateFolder(dir: string): boolean {
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return false;
  return (stats.mode & 0o077) === 0 && stats.uid === (process.getuid?.() ?? stats.uid);
}
