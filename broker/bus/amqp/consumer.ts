/** Consumes one queue on a channel of its own, and builds that anew when it dies. */
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import type { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../../resilience/retry.ts";
import { Acks } from "./acks.ts";
import { closeChannel, isClosed } from "./close-channel.ts";
import type { AmqpLink } from "./connection.ts";

const NOT_FOUND = 404;
/** A channel that is not closed by then is closed with its connection. */
const CLOSE_MS = 5_000;

/** One life of the channel. Deliveries belong to it: when it ends, acking them has no effect. */
export class Lease {
  readonly #channel: Channel;
  readonly #giveUp: () => void;
  readonly #over = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #acks = new Acks((message, allUpTo) => this.#send(message, allUpTo));
  #gone = false;
  /** Handed over and not settled yet. */
  unsettled = 0;
  /** We close the channel ourselves. */
  expected = false;

  /** @param giveUp breaks the channel's connection */
  constructor(channel: Channel, giveUp: () => void) {
    this.#channel = channel;
    this.#giveUp = giveUp;
  }

  /** Fires when nobody should go on trying for these deliveries: the channel is gone, or about to be closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  abandon(): void {
    this.#over.abort();
  }

  end(): void {
    this.#gone = true;
    this.#over.abort();
    this.#ended.resolve();
  }

  /** Settles one delivery; nothing happens where the channel is gone or closing, as it comes again then. */
  ack(message: ConsumeMessage): void {
    this.unsettled--;
    if (!this.#gone) this.#acks.add(message);
  }

  #send(message: ConsumeMessage, allUpTo: boolean): void {
    if (this.#gone) return;
    try {
      this.#channel.ack(message, allUpTo);
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
  }

  async close(): Promise<void> {
    this.expected = true;
    this.#acks.flush();
    await this.discard();
  }

  /**
   * Closes a channel that is of no use any more; resolves when it is closed. A consumer that is neither working nor
   * gone would keep its queue from all others, so where RabbitMQ does not answer the whole connection is given up.
   */
  async discard(): Promise<void> {
    const late = setTimeout(this.#giveUp, CLOSE_MS);
    try {
      await closeChannel(this.#channel, this.#ended.promise);
    } finally {
      clearTimeout(late);
    }
  }
}

export interface ConsumerOptions {
  link: AmqpLink;
  queue: string;
  prefetch: number;
  alarms: RateLimitedLog;
  /** Must not throw. */
  onMessage(message: ConsumeMessage, lease: Lease): void;
  /** The channel has gone, and with it `lease.unsettled` deliveries. */
  onLost(lease: Lease): void;
  /** It consumes, for the first time or again. */
  onOpen?(): void;
  /** The queue is missing: declare it again. */
  repair(): Promise<void>;
}

export class QueueConsumer {
  readonly #options: ConsumerOptions;
  readonly #consuming = Promise.withResolvers<void>();
  #lease: Lease | undefined;
  /** Incoming messages are left unacked, for whoever gets the queue next. */
  #paused = false;
  #stopped = false;
  #opening = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    // Awaited by who starts it, which may be done by then.
    this.#consuming.promise.catch(() => undefined);
    options.link.use({ up: (model) => void this.#open(model), down: () => undefined });
  }

  /** Resolves when it consumes for the first time. @throws {ConfigError} it may not */
  get consuming(): Promise<void> {
    return this.#consuming.promise;
  }

  /** From now on no message reaches `onMessage`, until {@link reopen}. */
  pause(): void {
    this.#paused = true;
  }

  /** Closes the channel, which gives everything unsettled back in order, and consumes again behind other consumers. */
  async reopen(): Promise<void> {
    await this.#lease?.close();
    this.#paused = false;
    const { model } = this.#options.link;
    if (model) await this.#open(model);
  }

  async stop(): Promise<void> {
    this.#paused = true;
    this.#stopped = true;
    this.#consuming.resolve();
    await this.#lease?.close();
  }

  /** Lets handlers that wait for their next try go. */
  abandon(): void {
    this.#lease?.abandon();
  }

  async #open(model: ChannelModel): Promise<void> {
    const { link, queue, alarms, repair } = this.#options;
    if (this.#opening) return;
    this.#opening = true;
    for (let attempt = 1; this.#wanted(model); attempt++) {
      try {
        await this.#consume(model);
        this.#consuming.resolve();
        break;
      } catch (thrown) {
        const error = toError(thrown) as Error & { code?: unknown };
        if (!this.#wanted(model)) break;
        const refusal = link.rightsRefusal(error);
        // Only who waits for the start is told; later the rights may come back as they went.
        if (refusal) this.#consuming.reject(refusal);
        alarms.warn("consume", `can't consume ${queue} yet`, { error: error.message, attempt });
        if (error.code === NOT_FOUND) await repair();
        await pause(backoff(attempt), link.closing);
      }
    }
    this.#opening = false;
    // The connection may have come back while this attempt on the old one was failing.
    if (!this.#stopped && !this.#lease && link.model && link.model !== model) await this.#open(link.model);
  }

  #wanted(model: ChannelModel): boolean {
    const { link } = this.#options;
    return !this.#stopped && !this.#lease && link.model === model && !link.closing.aborted;
  }

  async #consume(model: ChannelModel): Promise<void> {
    const { link, queue, prefetch, alarms, onMessage } = this.#options;
    const channel = await model.createChannel();
    const lease = new Lease(channel, () => {
      alarms.warn("not closed", `${queue}: RabbitMQ does not close the channel`);
      link.giveUp(model);
    });
    channel.on("error", (error: Error) =>
      alarms.warn("channel", `${queue}: channel failed`, { error: error.message }),
    );
    channel.on("close", () => {
      lease.end();
      this.#lost(lease);
    });
    this.#lease = lease;
    await channel.prefetch(prefetch);
    await channel.consume(queue, (message) => {
      if (!message) this.#cancelled(lease);
      else if (!this.#paused) onMessage(message, lease);
    });
    this.#options.onOpen?.();
    if (this.#stopped) await lease.close();
  }

  /** RabbitMQ ended the consumer, as it does when the queue is deleted. */
  #cancelled(lease: Lease): void {
    const { queue, alarms } = this.#options;
    alarms.warn("cancelled", `${queue}: RabbitMQ cancelled the consumer`);
    lease
      .discard()
      .catch((error: Error) =>
        alarms.warn("not closed", `${queue}: channel did not close`, { error: error.message }),
      );
  }

  #lost(lease: Lease): void {
    if (this.#lease !== lease) return;
    this.#lease = undefined;
    this.#options.onLost(lease);
    const { link } = this.#options;
    const { model } = link;
    if (this.#stopped || this.#paused || !model || this.#opening) return;
    void pause(backoff(1), link.closing).then(() => this.#open(model));
  }
}
