/** Limits on the time of a command, and on its time slice before other commands run. */
import { StoreError } from "../errors.ts";
import type { Filter } from "./ast.ts";

/** The time limit of one command (`maxTimeMS`), including time slices of other commands. */
export class Deadline {
  private at: number;
  private left: number;
  private countdown = 0;

  /** `ms` of 0 means no limit. */
  constructor(ms: number) {
    this.left = ms > 0 ? ms : Number.POSITIVE_INFINITY;
    // Without a limit, the clock is not read.
    this.at = ms > 0 ? performance.now() + ms : this.left;
  }

  /** Throws MaxTimeMSExpired when the time is over. Reads the clock only every 16th time. */
  check(): void {
    if ((this.countdown++ & 15) === 0) this.checkNow();
  }

  checkNow(): void {
    if (this.isOver) throw timeIsOver();
  }

  get isOver(): boolean {
    return this.at !== Number.POSITIVE_INFINITY && performance.now() > this.at;
  }

  /** Milliseconds that are left, in the form of the constructor: 0 where there is no limit. */
  remaining(): number {
    return this.at === Number.POSITIVE_INFINITY ? 0 : Math.max(this.at - performance.now(), 0.001);
  }

  /** A cursor's time stops while its client is away. */
  suspend(): void {
    this.left = Math.max(0, this.at - performance.now());
  }

  resume(): void {
    this.at = performance.now() + this.left;
  }
}

export const noDeadline = new Deadline(0);

export const timeIsOver = (): StoreError => new StoreError(50, "operation exceeded time limit");

/** Emitted instead of a document when a command's time slice is over. Other commands run, then it continues. */
export const pause = Symbol("pause");
export type Pause = typeof pause;

/** Work that stops wherever other commands may run. */
export type Work<T> = Generator<void, T>;

/** Thrown where work that can't stop half way would have to stop. */
export class TurnOver extends Error {}

/** Thrown where a read is for a reader thread, which runs it from the start. */
export class HandOver extends Error {}

let turnEnds = Number.POSITIVE_INFINITY;
let running = noDeadline;
/** Whether a reader thread may take over what runs. */
let mayBeLeft = false;
let looks = 0;

/**
 * Runs a part of a command under its deadline, with a time slice in milliseconds.
 * @param leaves whether it throws {@link HandOver} instead of making a pause
 */
export function takeTurn<T>(ms: number, deadline: Deadline, work: () => T, leaves = false): T {
  const before = { turnEnds, running, mayBeLeft };
  turnEnds = performance.now() + ms;
  running = deadline;
  mayBeLeft = leaves;
  looks = 0;
  try {
    return work();
  } finally {
    ({ turnEnds, running, mayBeLeft } = before);
  }
}

/** Runs a part without interruption, however long it takes. */
export function withoutPause<T>(work: () => T): T {
  return takeTurn(Number.POSITIVE_INFINITY, running, work);
}

/** True when other commands should run. Reads the clock only every 16th time. */
export function isTurnOver(): boolean {
  if (turnEnds === Number.POSITIVE_INFINITY) return false;
  return (looks++ & 15) === 0 && performance.now() > turnEnds;
}

/** Like {@link isTurnOver}, after a step that may have taken long by itself. Looks at `maxTimeMS`, too. */
export function isTurnOverNow(): boolean {
  running.checkNow();
  return performance.now() > turnEnds;
}

/** For what will take long: from here on, a reader thread is to do it, if there is one. */
export function leaveToReader(): void {
  if (mayBeLeft) throw new HandOver();
}

/**
 * For loops over data in memory: throws MaxTimeMSExpired when the running command's time is over. A read that a reader
 * thread may take over is left to it when its turn is over.
 */
export function checkTime(): void {
  running.check();
  if (mayBeLeft && isTurnOver()) throw new HandOver();
}

/** Runs work to its end now. Throws {@link TurnOver} where it would stop. */
export function finishNow<T>(work: Work<T>): T {
  const step = work.next();
  if (step.done) return step.value;
  throw new TurnOver("the work takes more than one turn");
}

/** True for a filter that accepts everything. */
export function constantFilter(filter: Filter): boolean {
  return filter.kind === "constant" && filter.value;
}
