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

/** Steps of a read, documents mostly, up to which it is short, however long a busy machine takes for them. */
const shortRead = 300;

/** When a read goes to a reader thread: after some time, and after more steps than a short one has. */
export class Leaving {
  /** Milliseconds and steps of earlier turns. */
  spent = 0;
  steps = 0;
  private readonly ms: number;

  /** @param ms milliseconds that a read may take before */
  constructor(ms: number) {
    this.ms = ms;
  }

  get left(): number {
    return this.ms - this.spent;
  }

  get isDue(): boolean {
    return this.left <= 0 && this.steps > shortRead;
  }
}

let turnEnds = Number.POSITIVE_INFINITY;
let running = noDeadline;
/** Set while a read runs that a reader thread may take over. */
let leaving: Leaving | undefined;
let leavesAt = Number.POSITIVE_INFINITY;
let looks = 0;

/**
 * Runs a part of a command under its deadline, with a time slice in milliseconds.
 * @param mayLeave ends the slice earlier, when the read is to go to a reader thread
 */
export function takeTurn<T>(ms: number, deadline: Deadline, work: () => T, mayLeave?: Leaving): T {
  const before = { turnEnds, running, leaving, leavesAt };
  const now = performance.now();
  turnEnds = now + ms;
  running = deadline;
  leaving = mayLeave;
  leavesAt = mayLeave === undefined ? Number.POSITIVE_INFINITY : now + mayLeave.left;
  looks = 0;
  try {
    return work();
  } finally {
    if (mayLeave !== undefined) {
      mayLeave.steps += looks;
      mayLeave.spent += performance.now() - now;
    }
    ({ turnEnds, running, leaving, leavesAt } = before);
  }
}

/** Runs a part without interruption, however long it takes. */
export function withoutPause<T>(work: () => T): T {
  return takeTurn(Number.POSITIVE_INFINITY, running, work);
}

/** True when other commands should run. Reads the clock only every 16th time. */
export function isTurnOver(): boolean {
  if (turnEnds === Number.POSITIVE_INFINITY) return false;
  return (looks++ & 15) === 0 && hasEnded();
}

/** Like {@link isTurnOver}, after a step that may have taken long by itself. Looks at `maxTimeMS`, too. */
export function isTurnOverNow(): boolean {
  running.checkNow();
  looks += bigStep;
  return hasEnded();
}

/** As how many steps such a step counts. */
const bigStep = 48;

function hasEnded(): boolean {
  const now = performance.now();
  return now > turnEnds || isLong(now);
}

const isLong = (now: number): boolean =>
  leaving !== undefined && now > leavesAt && leaving.steps + looks > shortRead;

/** For what will take long: from here on, a reader thread is to do it, if there is one. */
export function leaveToReader(): void {
  if (leaving !== undefined) throw new HandOver();
}

/**
 * For loops over data in memory: throws MaxTimeMSExpired when the running command's time is over. A read that a reader
 * thread may take over is left to it when its turn is over.
 */
export function checkTime(): void {
  running.check();
  if (leaving !== undefined && isTurnOver() && isLong(performance.now())) throw new HandOver();
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
