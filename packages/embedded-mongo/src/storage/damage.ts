/** A data file that can't be trusted. Nothing more is acknowledged, and the store ends. */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/** SQLite's codes: IOERR, CORRUPT, NOTADB. */
const damageCodes = new Set([10, 11, 26]);
/**
 * Size up to which a file is checked completely when it is opened: 0.4 s for 500 MB in the page cache. Damage in a
 * larger file is found when it is read.
 */
const checkedSize = 2 * 1024 ** 3;

export class DamagedFile extends Error {
  /** What is wrong with it, in SQLite's words. */
  readonly what: string;

  constructor(file: string, what: string, cause?: unknown) {
    super(
      `the file ${file} is damaged (${what}): the store takes no more commands; restore it from a backup`,
      {
        cause,
      },
    );
    this.name = "DamagedFile";
    this.what = what;
  }
}

/** True for a SQLite error which means that the file can't be trusted. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedFile) return true;
  return (
    error instanceof Error &&
    "errcode" in error &&
    typeof error.errcode === "number" &&
    damageCodes.has(error.errcode & 0xff)
  );
}

/** The error as a {@link DamagedFile}. */
export function damaged(file: string, error: unknown): DamagedFile {
  if (error instanceof DamagedFile) return error;
  return new DamagedFile(file, error instanceof Error ? error.message : String(error), error);
}

/** Checks every page of the file. Throws {@link DamagedFile}. */
export function checkFile(sql: DatabaseSync, file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > checkedSize) return;
  const found = sql.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  const said = found[0]?.quick_check;
  if (said !== "ok") throw new DamagedFile(file, said?.split("\n").at(-1) ?? "it can't be checked");
}
