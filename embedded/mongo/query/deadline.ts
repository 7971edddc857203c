/** Limits on how long a command may hold the store. */
import { StoreError } from "../errors.ts";
import type { Filter } from "./ast.ts";

/** Checked for every document that a scan reads. */
export class Deadline {
  private readonly at: number;
  private countdown = 0;

  /** `ms` of 0 means no limit. */
  constructor(ms: number) {
    this.at = ms > 0 ? performance.now() + ms : Number.POSITIVE_INFINITY;
  }

  /** Throws MaxTimeMSExpired once the time is over. Looks at the clock every 64th time only. */
  check(): void {
    if ((this.countdown++ & 63) === 0 && performance.now() > this.at) {
      throw new StoreError(50, "operation exceeded time limit");
    }
  }
}

export const noDeadline = new Deadline(0);

/** True for a filter that lets everything through. */
export function constantFilter(filter: Filter): boolean {
  return filter.kind === "constant" && filter.value;
}
