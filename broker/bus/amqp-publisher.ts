/** Publishes with confirms, many in flight: a window bounds them, and whoever publishes beyond it waits. */
import type { ChannelModel, ConfirmChannel, Options } from "amqplib";
import type { Log } from "../runtime.ts";
import type { Alarms } from "./alarms.ts";
import type { AmqpLink } from "./amqp-link.ts";
import { type BusStats, BusUnavailableError, UnroutableError } from "./bus.ts";
import { Fifo } from "./fifo.ts";
import { backoff, pause, toError } from "./retry.ts";

/** RabbitMQ 4 refuses more than 16 MiB by closing the channel, which would fail all that is in flight. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;
/** AMQP's short strings: routing key and message id. */
const MAX_NAME_BYTES = 255;
/** Unconfirmed messages and no confirm for this long: the queue has lost its majority, or the broker is stuck. */
const STUCK_MS = 30_000;

interface Publication {
  readonly exchange: string;
  readonly key: string;
  readonly content: Buffer;
  readonly id: string;
  readonly options: Options.Publish;
  resolve(): void;
  reject(error: Error): void;
}

export interface PublisherOptions {
  link: AmqpLink;
  window: number;
  stats: BusStats;
  log: Log;
  alarms: Alarms;
  /** A message that should have a queue had none. */
  unroutable(): void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #channel: ConfirmChannel | undefined;
  #blocked = false;
  /** amqplib's write buffer is full: wait for `drain`. */
  #full = false;
  #inFlight = 0;
  #closed = false;
  #idle: (() => void) | undefined;
  readonly #ready = Promise.withResolvers<void>();
  #settledAt = performance.now();
  readonly #watch: NodeJS.Timeout;
  readonly #waiting = new Fifo<Publication>();
  /** Sent on the present channel and not confirmed. */
  readonly #flight = new Set<Publication>();
  /** Message ids that came back; a return comes before its confirm. Counted, as one id may be in flight twice. */
  readonly #returned = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#warnIfStuck(), STUCK_MS / 3).unref();
    options.link.use({
      up: (model) => void this.#open(model),
      down: () => this.#lost(this.#channel),
      blocked: (reason) => {
        this.#blocked = true;
        options.stats.blocked++;
        options.alarms.warn("blocked", `RabbitMQ blocks publishers: ${reason}`);
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
   * Resolves when the broker has confirmed the message. Order of calls is order of sending.
   * @throws {UnroutableError} no queue takes it
   * @throws {BusUnavailableError} nacked, or the connection is away
   * @throws {RangeError} too large to travel
   */
  publish(exchange: string, key: string, content: Buffer, id: string, headers?: Record<string, unknown>) {
    return new Promise<void>((resolve, reject) => {
      if (this.#closed || !this.#channel) {
        reject(new BusUnavailableError(this.#closed ? "the bus is closed" : "RabbitMQ is away"));
        return;
      }
      const names = Math.max(Buffer.byteLength(key), Buffer.byteLength(id));
      if (content.length > MAX_CONTENT_BYTES || names > MAX_NAME_BYTES) {
        reject(new RangeError(`message ${id.slice(0, 40)} (${key.slice(0, 80)}) is too large to travel`));
        return;
      }
      const options: Options.Publish = {
        mandatory: true,
        persistent: true,
        contentType: "application/cloudevents+json",
        messageId: id,
        headers,
      };
      this.#waiting.push({ exchange, key, content, id, options, resolve, reject });
      this.#pump();
    });
  }

  /** Refuses new messages and waits until those under way are settled, at most `timeoutMs`. */
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
        const channel = await model.createConfirmChannel();
        channel.on("error", (error: Error) =>
          log.warn("publishing channel failed", { error: error.message }),
        );
        channel.on("return", ({ properties }: { properties: { messageId?: string } }) => {
          const id = properties.messageId ?? "";
          this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
        });
        channel.on("drain", () => {
          this.#full = false;
          this.#pump();
        });
        channel.on("close", () => {
          if (this.#channel !== channel) return;
          this.#lost(channel);
          void pause(backoff(1), link.closing).then(() => this.#open(model));
        });
        this.#channel = channel;
        this.#ready.resolve();
        return;
      } catch (error) {
        log.debug("publishing channel did not open", { error: toError(error).message });
        await pause(backoff(attempt), link.closing);
      }
    }
  }

  /**
   * Fails what is in flight: amqplib itself stops doing so at the first message that was confirmed before an older
   * one, and the rest would wait for ever.
   */
  #lost(channel: ConfirmChannel | undefined): void {
    if (!channel || this.#channel !== channel) return;
    this.#channel = undefined;
    this.#blocked = false;
    this.#full = false;
    this.#returned.clear();
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
      !this.#blocked &&
      !this.#full &&
      this.#waiting.length > 0 &&
      this.#inFlight < this.#options.window
    )
      this.#send(this.#channel, this.#waiting.shift()!);
  }

  #send(channel: ConfirmChannel, it: Publication): void {
    const { stats, log } = this.#options;
    this.#flight.add(it);
    if (this.#inFlight++ === 0) this.#settledAt = performance.now();
    stats.published++;
    try {
      const more = channel.publish(it.exchange, it.key, it.content, it.options, (error) =>
        this.#settle(it, error),
      );
      if (!more) this.#full = true;
    } catch (error) {
      // Closed under us, or not encodable. amqplib has counted the message all the same, so that its later confirms
      // would be taken for others': this channel can't be used any more.
      this.#settle(it, toError(error));
      channel
        .close()
        .catch((why: Error) => log.debug("publishing channel was closed", { error: why.message }));
      this.#lost(channel);
    }
  }

  #settle(it: Publication, error: Error | null): void {
    if (!this.#flight.delete(it)) return;
    const { stats, alarms, unroutable } = this.#options;
    this.#inFlight--;
    this.#settledAt = performance.now();
    const returned = this.#wasReturned(it.id);
    if (error) {
      stats.nacked++;
      alarms.warn("nacked", `RabbitMQ did not take a message: ${error.message}`, { key: it.key, id: it.id });
      it.reject(new BusUnavailableError(`not confirmed: ${error.message}`));
    } else if (returned) {
      stats.returned++;
      alarms.warn("returned", `no queue takes ${it.key}`, { exchange: it.exchange, id: it.id });
      it.reject(new UnroutableError(`no queue takes ${it.key}`));
      unroutable();
    } else {
      stats.confirmed++;
      it.resolve();
    }
    this.#pump();
    this.#checkIdle();
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
    const { alarms } = this.#options;
    alarms.warn("stuck", "RabbitMQ confirms nothing", { inFlight: this.#inFlight, silentMs });
  }

  #checkIdle(): void {
    if (this.#inFlight === 0 && this.#waiting.length === 0) this.#idle?.();
  }
}
