/** The port for messages that must not be lost. Adapters: `amqp/` (RabbitMQ) and `local/` (one process). */

import type { Envelope } from "../contract/envelope.ts";
import { TransientError } from "../resilience/retry.ts";

/** The queues that a set of contracts needs; see `topology.ts`. */
export interface Topology {
  readonly mailboxes: readonly MailboxSpec[];
  readonly workers: readonly WorkerSpec[];
}

export interface MailboxSpec {
  readonly actor: string;
  readonly partitions: number;
  readonly receives: readonly string[];
}

export interface WorkerSpec {
  readonly service: string;
  readonly worker: string;
  readonly receives: readonly string[];
}

/**
 * One message as handed to a consumer. Exactly one of `ack` and `dead` settles it. In any order with others; after
 * the delivery's channel has gone both do nothing, as the message comes again.
 */
export interface Delivery {
  readonly message: Envelope;
  readonly partition: number;
  readonly redelivered: boolean;
  ack(): void;
  /**
   * Moves it to the queue's dead queue, with the error and its stack in the headers, then acks it. Tries until that
   * is done or the delivery is lost, and never rejects.
   */
  dead(error: Error, attempts: number): Promise<void>;
}

export interface Consumption {
  /**
   * Stops taking new deliveries, awaits `drain` (in which the handler settles what it has), then closes the channel(s).
   * A worker's running handlers are awaited before that, over RabbitMQ for 5 s at most. What is unsettled then comes
   * again.
   */
  stop(drain: () => Promise<void>): Promise<void>;
}

export interface MailboxConsumption extends Consumption {
  /** Gives a partition away in order: no new deliveries, `drain()`, close the channel, consume again as a standby. */
  handOver(partition: number, drain: () => Promise<void>): Promise<void>;
  /** Partitions from which this process has received since it (re)gained them. */
  readonly held: ReadonlySet<number>;
}

export interface MailboxHandlers {
  /** Called in queue order per partition. Must not throw; settles the delivery later. */
  onDelivery(delivery: Delivery): void;
  /**
   * The partition's channel is gone (closed, connection lost): unsettled deliveries will come again, here or
   * elsewhere. Not called for `stop` and `handOver`, unless they leave deliveries unsettled.
   */
  onLost(partition: number): void;
  /** This process consumes the partition, for the first time or again: behind all others that do. */
  onQueuedUp?(partition: number): void;
}

/** Counters since the start. */
export interface BusStats {
  /** Messages handed to the broker. */
  published: number;
  confirmed: number;
  /** Came back as unroutable. */
  returned: number;
  /** Handed to the broker, but not confirmed by it: refused, or its channel or connection went first. */
  nacked: number;
  /** Connections made again. */
  reconnects: number;
  /** Times that the broker asked publishers to wait. */
  blocked: number;
  delivered: number;
  redelivered: number;
  /** Moved to a dead queue. */
  dead: number;
}

export const newStats = (): BusStats => ({
  published: 0,
  confirmed: 0,
  returned: 0,
  nacked: 0,
  reconnects: 0,
  blocked: 0,
  delivered: 0,
  redelivered: 0,
  dead: 0,
});

export type BusState = "connecting" | "connected" | "blocked" | "closed";

export interface Bus {
  readonly kind: "amqp" | "local";
  readonly state: BusState;
  readonly stats: Readonly<BusStats>;
  /** Declares queues and bindings; idempotent. They are declared again where the broker has lost them. */
  declare(topology: Topology): Promise<void>;
  /**
   * Sends one message; resolves when it is safe with the broker (RabbitMQ: confirmed; local: handled by every
   * subscriber). Many may be under way at once; messages to one queue keep the order of the calls. Waits while the
   * broker is slow. An event that no known contract receives leaves all the same: others may have bound queues of their
   * own, and if nobody has, it is gone.
   * @throws {UnroutableError} a message that no queue takes, though it should have a receiver
   * @throws {BusUnavailableError} nacked, or the connection is away: publish again later
   */
  publish(message: Envelope): Promise<void>;
  consumeMailboxes(
    spec: MailboxSpec,
    handlers: MailboxHandlers,
    options?: { prefetch?: number },
  ): Promise<MailboxConsumption>;
  /**
   * Competing consumer. The handler's promise settles the message: resolved acks; rejected is retried in memory
   * (see `resilience/retry.ts`), then goes to the dead queue.
   */
  consumeWorker(
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
    options?: { prefetch?: number },
  ): Promise<Consumption>;
  /** Stops the workers, waits for what is being published, and closes. Stop mailboxes before. */
  close(): Promise<void>;
}

export class UnroutableError extends TransientError {
  override readonly name = "UnroutableError";
}
export class BusUnavailableError extends TransientError {
  override readonly name = "BusUnavailableError";
}
