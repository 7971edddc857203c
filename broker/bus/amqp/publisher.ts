/** Publishes with confirms. A window bounds the messages in flight. A publisher beyond it waits. */
import type { ChannelModel, ConfirmChannel, Options } from "amqplib";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import type { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../../resilience/retry.ts";
import { type BusStats, BusUnavailableError, UnroutableError } from "../bus.ts";
import { Fifo } from "../local/fifo.ts";
import { SINGLE_TYPE } from "./batches.ts";
import type { AmqpLink } from "./connection.ts";

/** RabbitMQ 4 closes the channel for more than 16 MiB. That would fail everything in flight. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;
/** AMQP's short strings: routing key and message id. */
const MAX_NAME_BYTES = 255;
/**
 * There are unconfirmed messages and no confirm for this long. The queue has lost its majority, or RabbitMQ hangs.
 */
const STUCK_MS = 30_000;
/** Longest wait from a nack to the new channel, while nacks continue. */
const MAX_RENEWAL_MS = 1_000;
/** After this time without a nack, the count starts again. */
const CALM_MS = 10_000;
/** How long an abandoned channel may still confirm its messages. */
const DRAIN_MS = 1_000;

interface Publication {
  readonly exchange: string;
  readonly key: string;
  readonly content: Buffer;
  readonly id: string;
  readonly options: Options.Publish;
  /** Number of messages in it. */
  readonly messages: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface PublisherOptions {
  link: AmqpLink;
  window: number;
  stats: BusStats;
  log: Log;
  limitedLog: RateLimitedLog;
  /** A mandatory message had no queue. */
  unroutable(): void;
}

export interface PublishOptions {
  /** Without a queue, it is returned and fails. */
  mandatory?: boolean;
  headers?: Record<string, unknown>;
  contentType?: string;
  /** Number of messages in it. The window and the counters count them. */
  messages?: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #channel: ConfirmChannel | undefined;
  #blocked = false;
  /** amqplib's write buffer is full. Wait for `drain`. */
  #full = false;
  /** Messages sent and not settled. */
  #inFlight = 0;
  /** Channels replaced since the last calm period. */
  #renewals = 0;
  #openedAt = 0;
  /** The present channel, while it is being replaced. */
  #leaving: ConfirmChannel | undefined;
  /**
   * Set while nothing may be sent until everything in flight is settled. So the order survives the change of
   * channels.
   */
  #drained: (() => void) | undefined;
  #closed = false;
  #idle: (() => void) | undefined;
  readonly #ready = Promise.withResolvers<void>();
  #settledAt = performance.now();
  readonly #watch: NodeJS.Timeout;
  readonly #waiting = new Fifo<Publication>();
  /** Sent on the present channel and not confirmed. */
  readonly #flight = new Set<Publication>();
  /**
   * Ids of returned messages. A return arrives before its confirm. Counted, because one id may be in flight twice.
   */
  readonly #returned = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#warnIfStuck(), STUCK_MS / 3).unref();
    options.link.use({
      up: (model) => void this.#open(model),
      down: () => {
        // The event is about this connection, which may have no channel just now.
        this.#blocked = false;
        this.#lost(this.#channel);
      },
      blocked: (reason) => {
        this.#blocked = true;
        options.stats.blocked++;
        options.limitedLog.warn("blocked", `RabbitMQ blocks publishers: ${reason}`);
      },
      unblocked: () => {
        this.#blocked = false;
        this.#pump();
      },
    });
  }

  /** Resolves when it can publish for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get state(): "connecting" | "connected" | "blocked" {
    if (!this.#channel) return "connecting";
    return this.#blocked ? "blocked" : "connected";
  }

  /**
   * Resolves when RabbitMQ has confirmed the message. Messages are sent in the order of the calls.
   * @throws {UnroutableError} no queue takes it, though it is `mandatory`
   * @throws {BusUnavailableError} nacked, or the connection is lost
   * @throws {RangeError} too large for RabbitMQ
   */
  publish(
    exchange: string,
    key: string,
    content: Buffer,
    id: string,
    { mandatory = true, headers, contentType = SINGLE_TYPE, messages = 1 }: PublishOptions = {},
  ) {
    return new Promise<void>((resolve, reject) => {
      if (this.#closed || !this.#channel) {
        reject(new BusUnavailableError(this.#closed ? "the bus is closed" : "RabbitMQ is away"));
        return;
      }
      const names = Math.max(Buffer.byteLength(key), Buffer.byteLength(id));
      if (content.length > MAX_CONTENT_BYTES || names > MAX_NAME_BYTES) {
        reject(new RangeError(`message ${id.slice(0, 40)} (${key.slice(0, 80)}) is too large for RabbitMQ`));
        return;
      }
      const options: Options.Publish = {
        mandatory,
        persistent: true,
        contentType,
        messageId: id,
        headers,
      };
      this.#waiting.push({ exchange, key, content, id, options, messages, resolve, reject });
      this.#pump();
    });
  }

  /** Refuses new messages and waits until those in flight are settled, at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    if (!this.#channel || (this.#inFlight === 0 && this.#waiting.length === 0)) return;
    const idle = Promise.withResolvers<void>();
    this.#idle = idle.resolve;
    const timer = setTimeout(idle.resolve, timeoutMs);
    await idle.promise;
    clearTimeout(timer);
    this.#rejectWaiting("the bus is closed");
  }

  async #open(model: ChannelModel): Promise<void> {
    const { link, log } = this.#options;
    for (let attempt = 1; link.model === model && !link.closing.aborted; attempt++) {
      try {
        this.#use(await this.#create(model));
        this.#ready.resolve();
        return;
      } catch (error) {
        log.debug("publishing channel did not open", { error: toError(error).message });
        await pause(backoff(attempt), link.closing);
      }
    }
  }

  async #create(model: ChannelModel): Promise<ConfirmChannel> {
    const { link, limitedLog } = this.#options;
    const channel = await model.createConfirmChannel();
    channel.on("error", (error: Error) =>
      limitedLog.warn("publishing channel", "publishing channel failed", { error: error.message }),
    );
    channel.on("return", ({ properties }: { properties: { messageId?: string } }) => {
      const id = properties.messageId ?? "";
      this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
    });
    channel.on("drain", () => {
      if (this.#channel !== channel) return;
      this.#full = false;
      this.#pump();
    });
    // Runs before amqplib's own listener, which fails the messages in flight one by one. After the first failure,
    // there
    // would be room to send the next message on the closed channel.
    channel.prependListener("close", () => {
      if (this.#channel !== channel) return;
      this.#lost(channel);
      void pause(backoff(1), link.closing).then(() => this.#open(model));
    });
    return channel;
  }

  #use(channel: ConfirmChannel): void {
    this.#channel = channel;
    this.#openedAt = performance.now();
    this.#full = false;
    this.#returned.clear();
  }

  /**
   * Fails everything in flight. amqplib stops at the first message that was confirmed before an older one. The rest
   * would wait for ever.
   */
  #lost(channel: ConfirmChannel | undefined): void {
    if (!channel || this.#channel !== channel) return;
    this.#channel = undefined;
    const reason = "the connection to RabbitMQ was lost";
    for (const it of [...this.#flight]) this.#settle(it, new Error(reason));
    this.#rejectWaiting(reason);
  }

  #rejectWaiting(reason: string): void {
    for (const it of this.#waiting.clear()) it.reject(new BusUnavailableError(reason));
    this.#checkIdle();
  }

  #pump(): void {
    while (
      this.#channel &&
      !this.#drained &&
      !this.#blocked &&
      !this.#full &&
      this.#waiting.length > 0 &&
      this.#inFlight < this.#options.window
    )
      this.#send(this.#channel, this.#waiting.shift()!);
  }

  #send(channel: ConfirmChannel, it: Publication): void {
    const { stats } = this.#options;
    this.#flight.add(it);
    if (this.#inFlight === 0) this.#settledAt = performance.now();
    this.#inFlight += it.messages;
    stats.published += it.messages;
    try {
      const more = channel.publish(it.exchange, it.key, it.content, it.options, (error) => {
        this.#settle(it, error);
        // If a channel first meets a quorum queue while its leader is down, RabbitMQ nacks all later messages to it.
        if (error) void this.#renew(channel);
      });
      if (!more) this.#full = true;
    } catch (error) {
      // The channel is closed, or the message can't be encoded. amqplib has counted it anyway and would assign later
      // confirms to the wrong messages. So this channel can't be used any more.
      this.#tell(it, toError(error));
      this.#giveUp(channel);
    }
  }

  /** Closes a channel whose confirms are not reliable any more. A new one opens on the same connection. */
  #giveUp(channel: ConfirmChannel): void {
    if (this.#channel !== channel) return;
    const { link } = this.#options;
    const { model } = link;
    this.#lost(channel);
    this.#close(channel);
    if (model) void pause(backoff(1), link.closing).then(() => this.#open(model));
  }

  /**
   * Continues on another channel of the same connection, after the messages in flight. While nacks continue, for
   * example from a full queue, it replaces channels more and more slowly.
   */
  async #renew(channel: ConfirmChannel): Promise<void> {
    const { link, log } = this.#options;
    const { model } = link;
    if (!model || this.#channel !== channel || this.#leaving === channel) return;
    this.#leaving = channel;
    if (performance.now() - this.#openedAt > CALM_MS) this.#renewals = 0;
    await pause(backoff(++this.#renewals, MAX_RENEWAL_MS), link.closing);
    if (this.#channel !== channel) return;
    let next: ConfirmChannel;
    try {
      next = await this.#create(model);
    } catch (error) {
      log.debug("publishing channel did not open", { error: toError(error).message });
      // The next nack tries again, unless the connection is lost too.
      this.#leaving = undefined;
      return;
    }
    await this.#drain();
    if (this.#channel !== channel) {
      this.#close(next);
      return;
    }
    const late = [...this.#flight];
    this.#use(next);
    for (const it of late) this.#settle(it, new Error("its channel was replaced before it was confirmed"));
    this.#close(channel);
    this.#pump();
  }

  /** Sends nothing until everything in flight is settled, for at most {@link DRAIN_MS}. */
  async #drain(): Promise<void> {
    if (this.#inFlight === 0) return;
    const drained = Promise.withResolvers<void>();
    this.#drained = drained.resolve;
    await within(DRAIN_MS, drained.promise);
    this.#drained = undefined;
  }

  #close(channel: ConfirmChannel): void {
    channel.close().catch((error: Error) => {
      this.#options.log.debug("publishing channel was closed", { error: error.message });
    });
  }

  #settle(it: Publication, error: Error | null): void {
    if (!this.#tell(it, error)) return;
    if (this.#inFlight === 0) this.#drained?.();
    this.#pump();
    this.#checkIdle();
  }

  /** Counts the message and settles its publisher's promise. @returns false where it was settled before */
  #tell(it: Publication, error: Error | null): boolean {
    if (!this.#flight.delete(it)) return false;
    const { stats, limitedLog, unroutable } = this.#options;
    this.#inFlight -= it.messages;
    this.#settledAt = performance.now();
    const returned = this.#wasReturned(it.id);
    if (error) {
      stats.nacked += it.messages;
      limitedLog.warn("nacked", `RabbitMQ did not accept a message: ${error.message}`, {
        key: it.key,
        id: it.id,
      });
      it.reject(new BusUnavailableError(`not confirmed: ${error.message}`));
    } else if (returned) {
      stats.returned += it.messages;
      limitedLog.warn("returned", `no queue takes ${it.key}`, { exchange: it.exchange, id: it.id });
      it.reject(new UnroutableError(`no queue takes ${it.key}`));
      unroutable();
    } else {
      stats.confirmed += it.messages;
      it.resolve();
    }
    return true;
  }

  #wasReturned(id: string): boolean {
    if (this.#returned.size === 0) return false;
    const count = this.#returned.get(id);
    if (!count) return false;
    if (count === 1) this.#returned.delete(id);
    else this.#returned.set(id, count - 1);
    return true;
  }

  #warnIfStuck(): void {
    const silentMs = Math.round(performance.now() - this.#settledAt);
    if (this.#inFlight === 0 || silentMs < STUCK_MS) return;
    const { limitedLog } = this.#options;
    limitedLog.warn("stuck", "RabbitMQ confirms no messages", { inFlight: this.#inFlight, silentMs });
  }

  #checkIdle(): void {
    if (this.#inFlight === 0 && this.#waiting.length === 0) this.#idle?.();
  }
}
