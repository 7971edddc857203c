/** The processes of a shop as the system sees them. */
import { execFileSync } from "node:child_process";

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** Resident memory in MB. */
  rss: number;
  command: string;
}

/** A process and all below it. */
export function familyOf(pid: number): ProcessInfo[] {
  const all = execFileSync("ps", ["-A", "-o", "pid=,ppid=,rss=,args="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line);
      if (!found) return [];
      const [, id, parent, rss, command = ""] = found;
      return [{ pid: Number(id), parent: Number(parent), rss: Number(rss) / 1024, command }];
    });
  const family = all.filter((it) => it.pid === pid);
  for (const member of family) family.push(...all.filter((it) => it.parent === member.pid));
  return family;
}
