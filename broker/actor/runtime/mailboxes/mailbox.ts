/**
 * Moves messages from the bus into the queues of actors, and settles them. Handles acks after commits,
 * dead letters, and partitions that are lost or handed over.
 */
import type { Bus, Delivery, MailboxHandlers } from "../../../bus/bus.ts";
import type { Envelope } from "../../../contract/envelope.ts";
import { within } from "../../../resilience/deadline.ts";
import { Attempts, toError } from "../../../resilience/retry.ts";
import type { ActorStats } from "../document/actor-host.types.ts";
import type { Outcome } from "../document/fold.ts";
import type { ActorQueues, Job } from "./queues.ts";

export interface MailboxOptions {
  queues: ActorQueues;
  bus: Pick<Bus, "publish">;
  stats: ActorStats;
  /** Called with the partition of every delivery. */
  onDelivered(partition: number): void;
  /** Called when this process has joined the line of consumers of a partition. */
  onQueuedUp(partition: number): void;
  /** Called for messages that fail. The log limits the rate. */
  onTrouble(what: "retry" | "dead" | "dead-letter" | "answer", error: Error, message: Envelope): void;
}

export class Mailbox implements MailboxHandlers {
  readonly #options: MailboxOptions;
  /** Increases when a partition is lost. Earlier deliveries come again and must not be settled here. */
  readonly #epochs = new Map<number, number>();
  readonly #retries = new Set<NodeJS.Timeout>();

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  onDelivery(delivery: Delivery): void {
    this.#options.stats.received++;
    this.#options.onDelivered(delivery.partition);
    this.#options.queues.add(new MailJob(this, delivery, this.epoch(delivery.partition)));
  }

  onLost(partition: number): void {
    this.#epochs.set(partition, this.epoch(partition) + 1);
  }

  onQueuedUp(partition: number): void {
    this.#options.onQueuedUp(partition);
  }

  epoch(partition: number): number {
    return this.#epochs.get(partition) ?? 0;
  }

  /**
   * Stops folding the partition, waits for running commits (at most `ms`), and drops the rest. Dropped messages are
   * delivered again, and so are messages committed too late to be acked.
   */
  async drain(partition: number, ms: number): Promise<void> {
    await within(ms, this.#options.queues.pause(partition));
    this.onLost(partition);
  }

  /** After {@link drain}: folds messages of the partition again. */
  resume(partition: number): void {
    this.#options.queues.resume(partition);
  }

  close(): void {
    for (const timer of this.#retries) clearTimeout(timer);
  }

  /** Publishes the answers of a decision without an actor. After that, the message is handled. */
  answer(job: MailJob, answers: readonly Envelope[]): void {
    const { bus, onTrouble } = this.#options;
    Promise.all(answers.map((it) => bus.publish(it))).then(
      () => job.ack(),
      (error) => {
        onTrouble("answer", toError(error), job.message);
        this.failed(job, error);
      },
    );
  }

  /** Retries it later, or moves it to the dead queue. The actor's other messages continue meanwhile. */
  failed(job: MailJob, thrown: unknown): void {
    const { queues, stats, onTrouble } = this.#options;
    const error = toError(thrown);
    job.attempts ??= new Attempts();
    const verdict = job.attempts.failed(error);
    if (verdict.dead) {
      stats.dead++;
      onTrouble("dead", error, job.message);
      job.delivery
        .dead(error, job.attempts.failures)
        .catch((cause) => onTrouble("dead-letter", toError(cause), job.message));
      return;
    }
    onTrouble("retry", error, job.message);
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      if (job.isWanted()) queues.add(job);
    }, verdict.delay);
    this.#retries.add(timer);
  }
}

class MailJob implements Job {
  readonly delivery: Delivery;
  readonly mailed = true;
  attempts: Attempts | undefined;
  readonly #mailbox: Mailbox;
  readonly #epoch: number;

  constructor(mailbox: Mailbox, delivery: Delivery, epoch: number) {
    this.#mailbox = mailbox;
    this.delivery = delivery;
    this.#epoch = epoch;
  }

  get message(): Envelope {
    return this.delivery.message;
  }

  get partition(): number {
    return this.delivery.partition;
  }

  isWanted(): boolean {
    return this.#mailbox.epoch(this.delivery.partition) === this.#epoch;
  }

  settle(outcome: Outcome): void {
    if (!this.isWanted()) return;
    if (outcome.kind === "failed") this.#mailbox.failed(this, outcome.error);
    else if (outcome.kind === "absent" && outcome.answers.length > 0)
      this.#mailbox.answer(this, outcome.answers);
    else this.ack();
  }

  ack(): void {
    if (this.isWanted()) this.delivery.ack();
  }
}
