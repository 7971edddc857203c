/**
 * Moleculer's AMQP transporter, made fit for RabbitMQ that goes away and nodes that die:
 * - it looks for RabbitMQ every second instead of every five, and notices a peer that has gone silent
 * - it acks on the channel that a request came from; Moleculer takes the present one, which RabbitMQ answers by closing it
 * - it opens a new connection where only the channel was lost; Moleculer's nodes stay deaf from then on
 * - a request that comes again, because the node died over it, is not carried out again: its caller is told to come again
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import { Transporters } from "moleculer";
import { backoff, toError } from "./bus/retry.ts";
import { SoukError } from "./errors.ts";

const MAX_DELAY_MS = 1_000;
const HEARTBEAT_SECONDS = 5;

type Settings = Exclude<ConstructorParameters<typeof Transporters.AMQP>[0], string | undefined>;
type Options = Omit<Settings, "url"> & { socketOptions?: object };
/** What Moleculer's types leave out: the callback is told when an established connection is lost. */
type Connect = (lost: (error: unknown) => void) => Promise<void>;

export class AmqpTransporter extends Transporters.AMQP {
  readonly #stopping = new AbortController();
  /** Requests that are being carried out here, as they came. */
  readonly #running = new Set<Buffer>();

  /** @param url of RabbitMQ, without a heartbeat of its own */
  constructor(url: string, options: Options) {
    const withHeartbeat = new URL(url);
    withHeartbeat.searchParams.set("heartbeat", String(HEARTBEAT_SECONDS));
    super({ ...options, url: withHeartbeat.href });
  }

  /** Resolves when connected for the first time; from then on it keeps itself connected. */
  override async connect(): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++)
      try {
        await (super.connect as Connect).call(this, () => void this.connect());
        // Connecting ends with a pause for other nodes to answer, in which the channel may have been lost already.
        if (this.channel) this.channel.once("close", () => void this.#channelLost());
        else await this.#channelLost();
        return;
      } catch {
        // Moleculer has logged why.
        await sleep(backoff(attempt, MAX_DELAY_MS));
      }
  }

  override async disconnect(): Promise<void> {
    this.#stopping.abort();
    await super.disconnect();
  }

  /** Called for each queue when it is consumed. `acks`: it holds requests. */
  override _consumeCB(cmd: string, acks = false): (message: ConsumeMessage | null) => Promise<void> {
    const channel: Channel = this.channel;
    return async (message) => {
      // RabbitMQ ended the consumer, as it does when the queue is deleted.
      if (!message) return this.#channelLost();
      if (!acks) return this.receive(cmd, message.content);
      try {
        if (message.fields.redelivered) await this.#refuse(cmd, message.content);
        else await this.#carryOut(cmd, message.content);
      } catch (error) {
        this.logger.error("a request could not be handled", { reason: toError(error).message });
      }
      if (this.channel === channel) channel.ack(message);
    };
  }

  async #carryOut(cmd: string, content: Buffer): Promise<void> {
    this.#running.add(content);
    try {
      await this.receive(cmd, content);
    } finally {
      this.#running.delete(content);
    }
  }

  /** Nobody knows how far the first run came. Where it still runs, here, it answers by itself. */
  async #refuse(cmd: string, content: Buffer): Promise<void> {
    for (const it of this.#running) if (it.equals(content)) return;
    const { sender, id, meta } = this.deserialize(cmd, content).payload as Request;
    const error = new SoukError("UNAVAILABLE", undefined, { retryAfter: 1 });
    await this.transit.sendResponse(sender, id, meta, {}, null as never, error);
  }

  /** Closing the rest of the connection, too, makes the transporter begin anew. */
  async #channelLost(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    try {
      await this.connection.close();
    } catch {
      // Closed already: it was the whole connection that was lost.
    }
  }
}

interface Request {
  sender: string;
  id: string;
  meta: Record<string, unknown>;
}
