/** The port for messages that must not be lost. Adapters: `amqp.ts` (RabbitMQ) and `local.ts` (one process). */
import type { Envelope } from "./envelope.ts";

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

/** One message as handed to a consumer. Exactly one of `ack` and `dead` settles it; both resolve when that is safe. */
export interface Delivery {
  readonly message: Envelope;
  readonly partition: number;
  readonly redelivered: boolean;
  ack(): void;
  /** Moves it to the queue's dead queue, with the error and its stack in the headers, then acks it. */
  dead(error: Error, attempts: number): Promise<void>;
}

export interface Consumption {
  /** Stops taking new deliveries, waits for `drained` work to be settled by the handler, then closes the channel(s). */
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
  /** The partition's channel is gone (closed, connection lost): unsettled deliveries will come again, here or elsewhere. */
  onLost(partition: number): void;
}

export type BusState = "connecting" | "connected" | "blocked" | "closed";

export interface Bus {
  readonly kind: "amqp" | "local";
  readonly state: BusState;
  /** Declares queues and bindings; idempotent. */
  declare(topology: Topology): Promise<void>;
  /**
   * Sends one message; resolves when it is safe with the broker (RabbitMQ: confirmed; local: handled by every
   * subscriber). Many may be under way at once; messages to one queue keep the order of the calls.
   * @throws {UnroutableError} a command or reply that no queue takes
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
   * (see `retry.ts`), then goes to the dead queue.
   */
  consumeWorker(
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
    options?: { prefetch?: number },
  ): Promise<Consumption>;
  close(): Promise<void>;
}

export class UnroutableError extends Error {
  override readonly name = "UnroutableError";
}
export class BusUnavailableError extends Error {
  override readonly name = "BusUnavailableError";
}
