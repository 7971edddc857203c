/**
 * The files of a commit, or of today, in a folder for temporary files, with their packages. A shop that is measured
 * runs from there, so that nobody's editing disturbs it.
 */
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TODAY = fileURLToPath(new URL("../../..", import.meta.url));

export interface Tree {
  /** As it is called in figures. */
  readonly name: string;
  readonly dir: string;
  remove(): void;
}

/** The full name of a commit. @throws when git knows no such one */
export const commitOf = (ref: string): string =>
  git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);

/** A commit's files. */
export const treeOfCommit = (commit: string, print: (line: string) => void): Tree =>
  treeOf(commit, git(["rev-parse", "--short", commit]), print);

/** This tree's files as they are, committed or not. */
export function treeOfToday(print: (line: string) => void): Tree {
  const dir = mkdtempSync(join(tmpdir(), "souk-index-"));
  try {
    // An index of its own: what is staged stays as it is.
    const env = { ...process.env, GIT_INDEX_FILE: join(dir, "index") };
    git(["read-tree", "HEAD"], env);
    git(["add", "--all"], env);
    return treeOf(git(["write-tree"], env), "today", print);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function treeOf(object: string, name: string, print: (line: string) => void): Tree {
  const dir = mkdtempSync(join(tmpdir(), `souk-tree-${name}-`));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const archive = join(dir, "archive.tar");
    git(["archive", "--output", archive, object]);
    execFileSync("tar", ["-xf", archive, "-C", dir]);
    rmSync(archive);
    const lock = (root: string) => readFileSync(join(root, "package-lock.json"), "utf8");
    if (lock(dir) === lock(TODAY)) linkPackages(join(TODAY, "node_modules"), join(dir, "node_modules"));
    else {
      print(`npm ci for ${name}`);
      const args = ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
      execFileSync("npm", args, { cwd: dir, stdio: ["ignore", "ignore", "inherit"] });
    }
    return { name, dir, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Links to each package, except those that are folders of the tree itself: these must be the tree's own. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from)) {
    const [source, target] = [join(from, entry), join(to, entry)];
    if (lstatSync(source).isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (entry.startsWith("@")) linkPackages(source, target);
    else symlinkSync(realpathSync(source), target);
  }
}

function git(args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync("git", args, { cwd: TODAY, env, encoding: "utf8" }).trim();
}
