/** The reads of one reader thread. They take turns, so that a long one holds up no short one. */
import { errorReply, execute, type Underway } from "../commands/execute.ts";
import { type Deadline, timeIsOver } from "../query/deadline.ts";
import type { Store } from "../store.ts";
import { type Message, replyFrame } from "../wire.ts";

export interface ReadJob {
  readonly read: number;
  readonly message: Message;
  readonly deadline: Deadline;
  /** Set once it has had a turn. */
  underway?: Underway;
}

/** Milliseconds that a read works before others do, and after which a snapshot is given up for a newer one. */
export const readTurn = 20;

export class ReadJobs {
  private readonly store: Store;
  private readonly done: (read: number, frame: Buffer) => void;
  /** The one that has waited for longest is first. */
  private jobs: ReadJob[] = [];

  /** @param done takes the answer to a read */
  constructor(store: Store, done: (read: number, frame: Buffer) => void) {
    this.store = store;
    this.done = done;
  }

  get size(): number {
    return this.jobs.length;
  }

  add(job: ReadJob): void {
    this.jobs.push(job);
  }

  stop(read: number): void {
    const job = this.jobs.find((it) => it.read === read);
    if (job === undefined) return;
    this.jobs = this.jobs.filter((it) => it !== job);
    job.underway?.stop();
  }

  /** Lets reads work on one snapshot until the turn is over. The last of them may take a turn of its own. */
  turn(): void {
    this.endLate();
    const ends = performance.now() + readTurn;
    for (let left = this.jobs.length; left > 0; left--) {
      const job = this.jobs.shift();
      if (job === undefined) return;
      const reply = this.advance(job);
      if (reply === undefined) this.jobs.push(job);
      else this.done(job.read, replyFrame(reply, job.message));
      if (performance.now() > ends) return;
    }
  }

  private advance(job: ReadJob): Buffer | undefined {
    const { deadline, message } = job;
    const reply =
      job.underway?.resume(readTurn) ??
      job.underway ??
      execute(this.store, message.request, { ms: readTurn, deadline });
    if (Buffer.isBuffer(reply)) return reply;
    if (!("resume" in reply)) throw new Error("a reader thread can't leave a read to another");
    job.underway = reply;
    return undefined;
  }

  /** Answers reads whose time is over while they wait. */
  private endLate(): void {
    for (const job of this.jobs.filter(({ deadline }) => deadline.isOver)) {
      this.stop(job.read);
      this.done(job.read, replyFrame(errorReply(timeIsOver()), job.message));
    }
  }
}
