/**
 * One queue per actor that has work. Actors run concurrently. Each actor handles one batch after the other. The
 * caller decides what to do with a batch. This file knows order, batches, pauses and back-off.
 */
import { backoff, isTransient, toError } from "../../../resilience/retry.ts";
import type { LoadedActor } from "../document/actor-host.types.ts";
import { type Incoming, MAX_BATCH, type Outcome } from "../document/fold.ts";

/** One message for an actor, from any source. */
export interface Job extends Incoming {
  readonly partition: number;
  /** It came from a mailbox, so it stops while the partition is handed over. */
  readonly mailed: boolean;
  /** False when its delivery is lost or its caller has given up. */
  isWanted(): boolean;
  /** Called after the commit, with the message's outcome and the present `document`. */
  settle(outcome: Outcome, document: LoadedActor<object> | null): void;
}

interface ActorQueue {
  readonly id: string;
  readonly partition: number;
  waiting: Job[];
  running: boolean;
  /** Counts down: how many messages are still taken one by one, to find the one that can't be written. */
  oneByOne: number;
  failures: number;
  /** Set while it waits for room in the outbox or for the next try. */
  pause: NodeJS.Timeout | undefined;
  waitedForRoom: boolean;
}

export interface QueuesOptions {
  /** Folds, commits and settles the batch. @throws when nothing of it could be written */
  work(actor: string, batch: readonly Job[]): Promise<void>;
  /** How full the actor's outbox is. `full` makes it wait for a limited time, `stop` until there is room. */
  outbox(actor: string): "room" | "full" | "stop";
  timeoutMs: number;
  /** When a new batch could be written, if not at once. Until then the batch can grow. */
  busy(): Promise<void> | undefined;
  /** Called for every failure of a whole batch that will be tried again. */
  onTrouble(error: Error, actor: string): void;
}

export class ActorQueues {
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, ActorQueue>();
  readonly #paused = new Set<number>();
  /** Running batches with mailbox messages, by partition. */
  readonly #running = new Map<number, number>();
  #idle: (() => void)[] = [];
  #ready: ActorQueue[] = [];
  #closed = false;

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /** Number of waiting messages, over all actors. */
  get waiting(): number {
    let sum = 0;
    for (const queue of this.#queues.values()) sum += queue.waiting.length;
    return sum;
  }

  isBusy(actor: string): boolean {
    return this.#queues.get(actor)?.running ?? false;
  }

  add(job: Job): void {
    const id = job.message.subject;
    let queue = this.#queues.get(id);
    if (!queue) {
      queue = {
        id,
        partition: job.partition,
        waiting: [],
        running: false,
        oneByOne: 0,
        failures: 0,
        pause: undefined,
        waitedForRoom: false,
      };
      this.#queues.set(id, queue);
    }
    queue.waiting.push(job);
    this.#wake(queue);
  }

  /** The actor's outbox has room again. */
  onRoom(actor: string): void {
    const queue = this.#queues.get(actor);
    if (!queue?.pause || queue.failures > 0 || this.#options.outbox(actor) !== "room") return;
    this.#resume(queue);
  }

  /** Takes no more mailbox messages of the partition. Resolves when none of them runs. */
  async pause(partition: number): Promise<void> {
    this.#paused.add(partition);
    while ((this.#running.get(partition) ?? 0) > 0)
      await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Drops jobs that are no longer wanted, and continues. */
  resume(partition: number): void {
    this.#paused.delete(partition);
    for (const queue of this.#queues.values()) {
      if (queue.partition !== partition) continue;
      queue.waiting = queue.waiting.filter((it) => it.isWanted());
      this.#wake(queue);
    }
  }

  /** Resolves when nothing runs and no wanted job waits. */
  async drained(): Promise<void> {
    while (this.#queues.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#closed = true;
    for (const queue of this.#queues.values()) clearTimeout(queue.pause);
  }

  #wake(queue: ActorQueue): void {
    if (queue.running || queue.pause || this.#closed) return;
    queue.running = true;
    if (this.#ready.push(queue) === 1) queueMicrotask(this.#startReady);
  }

  /**
   * Starts one event-loop pass later, or when it can be written. So messages that arrive meanwhile join the batch.
   */
  readonly #startReady = (): void => {
    const busy = this.#options.busy();
    if (busy) {
      void busy.then(this.#startReady);
      return;
    }
    const ready = this.#ready;
    this.#ready = [];
    for (const queue of ready) void this.#run(queue);
  };

  async #run(queue: ActorQueue): Promise<void> {
    for (;;) {
      const batch = this.#closed ? [] : this.#take(queue);
      if (batch.length === 0) break;
      const mailed = batch.some((it) => it.mailed);
      if (mailed) this.#running.set(queue.partition, (this.#running.get(queue.partition) ?? 0) + 1);
      try {
        await this.#options.work(queue.id, batch);
        queue.failures = 0;
        if (queue.oneByOne > 0) queue.oneByOne--;
      } catch (error) {
        this.#failed(queue, batch, error);
      } finally {
        if (mailed) this.#running.set(queue.partition, (this.#running.get(queue.partition) ?? 1) - 1);
        this.#signal();
      }
      if (queue.pause) break;
    }
    queue.running = false;
    if (queue.waiting.length === 0 && !queue.pause) this.#queues.delete(queue.id);
    this.#signal();
  }

  #take(queue: ActorQueue): Job[] {
    if (queue.waiting.length > 0 && this.#mustWait(queue)) return [];
    const paused = this.#paused.has(queue.partition);
    const most = queue.oneByOne > 0 ? 1 : MAX_BATCH;
    const batch: Job[] = [];
    const left: Job[] = [];
    for (const job of queue.waiting) {
      if (!job.isWanted()) continue;
      if (batch.length < most && !(paused && job.mailed)) batch.push(job);
      else left.push(job);
    }
    queue.waiting = left;
    return batch;
  }

  #mustWait(queue: ActorQueue): boolean {
    const outbox = this.#options.outbox(queue.id);
    if (outbox === "room" || (outbox === "full" && queue.waitedForRoom)) {
      queue.waitedForRoom = false;
      return false;
    }
    queue.waitedForRoom = true;
    this.#sleep(queue, this.#options.timeoutMs);
    return true;
  }

  /**
   * Nothing of the batch was written, or the outcome is unknown. It returns to the front. Folding it again is
   * harmless.
   */
  #failed(queue: ActorQueue, batch: readonly Job[], thrown: unknown): void {
    const error = toError(thrown);
    if (isTransient(error)) {
      queue.waiting = [...batch, ...queue.waiting];
      this.#sleep(queue, backoff(++queue.failures, 5_000));
      this.#options.onTrouble(error, queue.id);
    } else if (batch.length > 1) {
      queue.waiting = [...batch, ...queue.waiting];
      queue.oneByOne = batch.length;
    } else for (const job of batch) job.settle({ kind: "failed", error }, null);
  }

  #sleep(queue: ActorQueue, ms: number): void {
    queue.pause = setTimeout(() => this.#resume(queue), ms);
  }

  #resume(queue: ActorQueue): void {
    clearTimeout(queue.pause);
    queue.pause = undefined;
    if (queue.waiting.length === 0 && !queue.running) {
      this.#queues.delete(queue.id);
      this.#signal();
    } else this.#wake(queue);
  }

  #signal(): void {
    if (this.#idle.length === 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
