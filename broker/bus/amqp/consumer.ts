/** Consumes one queue on its own channel, and opens a new channel when that one fails. */
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import type { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../../resilience/retry.ts";
import { Acks } from "./acks.ts";
import { closeChannel, isClosed } from "./close-channel.ts";
import type { AmqpLink } from "./connection.ts";

const NOT_FOUND = 404;
/** A channel that is not closed by then is closed with its connection. */
const CLOSE_MS = 5_000;

/** The lifetime of one channel. Deliveries belong to it. After its end, acks have no effect. */
export class Lease {
  readonly #channel: Channel;
  readonly #giveUp: () => void;
  readonly #over = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #acks = new Acks((message, allUpTo) => this.#send(message, allUpTo));
  #gone = false;
  /** Delivered and not settled yet. */
  unsettled = 0;
  /** We close the channel ourselves. */
  expected = false;

  /** @param giveUp closes the channel's connection */
  constructor(channel: Channel, giveUp: () => void) {
    this.#channel = channel;
    this.#giveUp = giveUp;
  }

  /** Fires when handlers should stop trying: the channel is closed or about to be closed. */
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

  /** Settles one delivery. Does nothing when the channel is closed, because the message is delivered again then. */
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
   * Closes a channel that is no longer useful. Resolves when it is closed. A consumer that neither works nor leaves
   * would block its queue. So when RabbitMQ does not answer, the whole connection is closed.
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
  limitedLog: RateLimitedLog;
  /** Must not throw. */
  onMessage(message: ConsumeMessage, lease: Lease): void;
  /** The channel is lost, with `lease.unsettled` deliveries. */
  onLost(lease: Lease): void;
  /** The consumer has started, for the first time or again. */
  onOpen?(): void;
  /** The queue is missing: declare it again. */
  repair(): Promise<void>;
}

export class QueueConsumer {
  readonly #options: ConsumerOptions;
  readonly #consuming = Promise.withResolvers<void>();
  #lease: Lease | undefined;
  /** Incoming messages are not handled and not acked. The next consumer gets them. */
  #paused = false;
  #stopped = false;
  #opening = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    // The caller that starts it awaits this. It may have finished before.
    this.#consuming.promise.catch(() => undefined);
    options.link.use({ up: (model) => void this.#open(model), down: () => undefined });
  }

  /** Resolves when it consumes for the first time. @throws {ConfigError} when the user lacks the right */
  get consuming(): Promise<void> {
    return this.#consuming.promise;
  }

  /** Stops passing messages to `onMessage`, until {@link reopen}. */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Closes the channel, so that unsettled messages return to the queue in order. Then it consumes again, behind the
   * other consumers.
   */
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

  /** Stops handlers that wait for their next try. */
  abandon(): void {
    this.#lease?.abandon();
  }

  async #open(model: ChannelModel): Promise<void> {
    const { link, queue, limitedLog, repair } = this.#options;
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
        // Only the start fails. Later, the rights may come back.
        if (refusal) this.#consuming.reject(refusal);
        limitedLog.warn("consume", `can't consume ${queue} yet`, { error: error.message, attempt });
        if (error.code === NOT_FOUND) await repair();
        await pause(backoff(attempt), link.closing);
      }
    }
    this.#opening = false;
    // A new connection may have opened while this attempt on the old one was failing.
    if (!this.#stopped && !this.#lease && link.model && link.model !== model) await this.#open(link.model);
  }

  #wanted(model: ChannelModel): boolean {
    const { link } = this.#options;
    return !this.#stopped && !this.#lease && link.model === model && !link.closing.aborted;
  }

  async #consume(model: ChannelModel): Promise<void> {
    const { link, queue, prefetch, limitedLog, onMessage } = this.#options;
    const channel = await model.createChannel();
    const lease = new Lease(channel, () => {
      limitedLog.warn("not closed", `${queue}: RabbitMQ does not close the channel`);
      link.giveUp(model);
    });
    channel.on("error", (error: Error) =>
      limitedLog.warn("channel", `${queue}: channel failed`, { error: error.message }),
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

  /** RabbitMQ has ended the consumer. It does so when the queue is deleted. */
  #cancelled(lease: Lease): void {
    const { queue, limitedLog } = this.#options;
    limitedLog.warn("cancelled", `${queue}: RabbitMQ cancelled the consumer`);
    lease
      .discard()
      .catch((error: Error) =>
        limitedLog.warn("not closed", `${queue}: channel did not close`, { error: error.message }),
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
