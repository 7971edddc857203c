/** Files of a folder that other users may open. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function openToOthers(dir: string): string[] {
  const inside = readdirSync(dir, { recursive: true }).map((it) => join(dir, String(it)));
  return [dir, ...inside].filter((path) => (lstatSync(path).mode & 0o077) !== 0);
}
