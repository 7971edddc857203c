/** What the embedded store of a running shop has counted, and what the disk of this machine has. */
import { readFileSync, statSync } from "node:fs";
import { runningStoreUri } from "@souk/embedded-mongo";
import { MongoClient } from "mongodb";

export interface StoreCounters {
  /** Commands of all clients. */
  commands: number;
  /** Null where this version of the store does not count them. */
  commits: number | null;
  flushes: number | null;
}

/** @param dir the store's folder */
export async function storeCounters(dir: string): Promise<StoreCounters> {
  const uri = runningStoreUri(dir);
  if (uri === undefined) throw new Error(`no store runs on ${dir}`);
  const client = new MongoClient(uri, { maxPoolSize: 1 });
  try {
    const { opcounters, sqlite } = await client.db("admin").command({ serverStatus: 1 });
    return {
      commands: opcounters.command,
      commits: sqlite?.transaction["transactions committed"] ?? null,
      flushes: sqlite?.log["log sync operations"] ?? null,
    };
  } finally {
    await client.close();
  }
}

/** Flushes that the disk of this folder has done for the whole machine; null where the kernel does not count them. */
export function diskFlushes(folder: string): number | null {
  try {
    return parseFlushes(readFileSync("/proc/diskstats", "utf8"), statSync(folder).dev);
  } catch {
    // Not Linux.
    return null;
  }
}

/** The eighteenth field of the device's line, since Linux 5.5. */
export function parseFlushes(diskstats: string, device: number): number | null {
  // As glibc's makedev puts them together.
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  const line = diskstats
    .split("\n")
    .map((it) => it.trim().split(/ +/))
    .find((it) => Number(it[0]) === major && Number(it[1]) === minor);
  return line?.[18] === undefined ? null : Number(line[18]);
}
