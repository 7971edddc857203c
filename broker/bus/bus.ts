/** The port for messages that must not be lost. Adapters: `amqp/` (RabbitMQ) and `local/` (one process). */

import type { Envelope } from "../contract/envelope.ts";
import { TransientError } from "../resilience/retry.ts";

/** The queues that a set of contracts needs; see `topology.ts`. */
export interface Topology {
  readonly mailboxes: readonly MailboxSpec[];
  readonly workers: readonly WorkerSpec[];
  readonly taps: readonly TapSpec[];
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

/** A queue that gets a copy of every message, or of every event, whoever receives it. */
export interface TapSpec {
  readonly service: string;
  readonly tap: string;
  readonly receives: "all" | "events";
}

/** A message as a tap gets it. It must not be changed. Only its envelope is checked: its type may be unknown here. */
export interface Tapped {
  readonly message: Envelope;
  /** An actor has applied it, and nobody has sent it: a message of an action, or a timer. */
  readonly applied: boolean;
}

/**
 * One message for a consumer. Exactly one of `ack` and `dead` settles it, in any order with other messages. When the
 * delivery's channel is closed, both do nothing, because the message is delivered again. So is a settled message, if
 * another one that was sent at the same moment is not settled.
 */
export interface Delivery {
  readonly message: Envelope;
  readonly partition: number;
  readonly redelivered: boolean;
  ack(): void;
  /**
   * Moves it to the queue's dead queue, with the error and its stack in the headers, then acks it. Tries until that
   * is done or the delivery is lost. Never rejects.
   */
  dead(error: Error, attempts: number): Promise<void>;
}

export interface Consumption {
  /**
   * Takes no new deliveries, awaits `drain` (the handler settles its messages), then closes the channels. A worker's
   * running handlers are awaited first, over RabbitMQ for 5 s at most. Unsettled messages are delivered again.
   */
  stop(drain: () => Promise<void>): Promise<void>;
}

export interface MailboxConsumption extends Consumption {
  /** Hands a partition over in order: no new deliveries, `drain()`, close the channel, consume again as a standby. */
  handOver(partition: number, drain: () => Promise<void>): Promise<void>;
  /** Partitions from which this process has received a message since it became their consumer. */
  readonly held: ReadonlySet<number>;
}

export interface MailboxHandlers {
  /** Called in queue order per partition. Must not throw. Settles the delivery later. */
  onDelivery(delivery: Delivery): void;
  /**
   * The partition's channel is lost (closed, or connection lost). Unsettled deliveries come again, here or elsewhere.
   * After `stop` and `handOver`, it is called only where they leave unsettled deliveries.
   */
  onLost(partition: number): void;
  /** This process consumes the partition, for the first time or again. It is the last in the line of consumers. */
  onQueuedUp?(partition: number): void;
}

/** Counters since the start of the process. */
export interface BusStats {
  /** Messages sent to RabbitMQ. */
  published: number;
  confirmed: number;
  /** Messages returned as unroutable. */
  returned: number;
  /** Messages sent to RabbitMQ and not confirmed: refused, or their channel or connection was lost first. */
  nacked: number;
  /** Reconnections. */
  reconnects: number;
  /** How often RabbitMQ asked publishers to wait. */
  blocked: number;
  delivered: number;
  redelivered: number;
  /** Messages moved to a dead queue. */
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
  /** Declares queues and bindings. Idempotent. They are declared again where RabbitMQ has lost them. */
  declare(topology: Topology): Promise<void>;
  /**
   * Sends one message. Resolves when it is safe (RabbitMQ: confirmed; local: handled by every subscriber). Many
   * messages may be in flight. Messages to one queue keep the order of the calls. Waits while RabbitMQ is slow.
   *
   * An event that no known contract receives is published too, because other queues may be bound. Without any queue
   * it is dropped.
   * @throws {UnroutableError} no queue takes a message that needs a receiver
   * @throws {BusUnavailableError} nacked, or the connection is lost: publish again later
   */
  publish(message: Envelope): Promise<void>;
  consumeMailboxes(
    spec: MailboxSpec,
    handlers: MailboxHandlers,
    options?: { prefetch?: number },
  ): Promise<MailboxConsumption>;
  /**
   * Competing consumer. The handler's promise settles the message. When it resolves, the message is acked. When it
   * rejects, the message is retried in memory (see `resilience/retry.ts`), then goes to the dead queue.
   */
  consumeWorker(
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
    options?: { prefetch?: number },
  ): Promise<Consumption>;
  /** Whether a tap wants the messages that actors apply without anybody sending them. See {@link record}. */
  readonly recordsApplied: boolean;
  /**
   * Sends a message that an actor has applied to the taps, and to nobody else. Resolves when it is safe.
   * @throws {BusUnavailableError} as {@link publish}
   */
  record(message: Envelope): Promise<void>;
  /**
   * Hands over what the tap's queue has, in batches of at most {@link TAP_BATCH}, one batch at a time. The messages
   * of a batch are settled when the handler's promise resolves. When it rejects, the batch is tried again for as long
   * as it takes: a tap gives no message up. Of several consumers, one gets all.
   */
  consumeTap(spec: TapSpec, handle: (batch: readonly Tapped[]) => Promise<void>): Promise<Consumption>;
  /** Stops the workers, waits for publishes in flight, and closes. Stop the mailboxes before. */
  close(): Promise<void>;
}

/** Maximum number of messages in a batch of a tap. */
export const TAP_BATCH = 500;

export class UnroutableError extends TransientError {
  override readonly name = "UnroutableError";
}
export class BusUnavailableError extends TransientError {
  override readonly name = "BusUnavailableError";
}
