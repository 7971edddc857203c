/** Limits on how long a command may take, and on how long it may hold the store before others have a turn. */
import { StoreError } from "../errors.ts";
import type { Filter } from "./ast.ts";

/** The time of one command (`maxTimeMS`), the turns of others between its own included. */
export class Deadline {
  private at: number;
  private left: number;
  private countdown = 0;

  /** `ms` of 0 means no limit. */
  constructor(ms: number) {
    this.left = ms > 0 ? ms : Number.POSITIVE_INFINITY;
    // The clock is not looked at where there is no limit.
    this.at = ms > 0 ? performance.now() + ms : this.left;
  }

  /** Throws MaxTimeMSExpired once the time is over. Looks at the clock every 16th time only. */
  check(): void {
    if ((this.countdown++ & 15) === 0) this.checkNow();
  }

  checkNow(): void {
    if (this.at !== Number.POSITIVE_INFINITY && performance.now() > this.at)
      throw new StoreError(50, "operation exceeded time limit");
  }

  /** A cursor's time stands still while its client is away. */
  suspend(): void {
    this.left = Math.max(0, this.at - performance.now());
  }

  resume(): void {
    this.at = performance.now() + this.left;
  }
}

export const noDeadline = new Deadline(0);

/** Given out in place of a document when the turn of a command is over: others go first, then it is asked again. */
export const pause = Symbol("pause");
export type Pause = typeof pause;

/** Work that stops wherever others may go first. */
export type Work<T> = Generator<void, T>;

/** Thrown where work that can't stop half way would have to. */
export class TurnOver extends Error {}

let turnEnds = Number.POSITIVE_INFINITY;
let running = noDeadline;
let looks = 0;

/** Runs a part of a command under its deadline, with so many milliseconds before others have a turn. */
export function takeTurn<T>(ms: number, deadline: Deadline, work: () => T): T {
  const before = { turnEnds, running };
  turnEnds = performance.now() + ms;
  running = deadline;
  looks = 0;
  try {
    return work();
  } finally {
    ({ turnEnds, running } = before);
  }
}

/** Runs a part that must not be interrupted by others, however long it takes. */
export function withoutPause<T>(work: () => T): T {
  return takeTurn(Number.POSITIVE_INFINITY, running, work);
}

/** True when others should have their turn. Looks at the clock every 16th time only. */
export function isTurnOver(): boolean {
  if (turnEnds === Number.POSITIVE_INFINITY) return false;
  return (looks++ & 15) === 0 && performance.now() > turnEnds;
}

/** For loops over what is in memory: throws MaxTimeMSExpired once the running command's time is over. */
export function checkTime(): void {
  running.check();
}

/** Runs work to its end now. Throws {@link TurnOver} where it would stop. */
export function finishNow<T>(work: Work<T>): T {
  const step = work.next();
  if (step.done) return step.value;
  throw new TurnOver("the work takes more than one turn");
}

/** True for a filter that lets everything through. */
export function constantFilter(filter: Filter): boolean {
  return filter.kind === "constant" && filter.value;
}
