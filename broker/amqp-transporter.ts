/**
 * Moleculer's AMQP transporter, made to come back: it looks for RabbitMQ every second instead of every five, notices a
 * peer that has gone silent, and opens a new connection where only its channel was lost, which Moleculer never does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Transporters } from "moleculer";
import { backoff } from "./bus/retry.ts";

const MAX_DELAY_MS = 1_000;
const HEARTBEAT_SECONDS = 5;

type Settings = Exclude<ConstructorParameters<typeof Transporters.AMQP>[0], string | undefined>;
type Options = Omit<Settings, "url"> & { socketOptions?: object };
/** What Moleculer's types leave out: the callback is told when an established connection is lost. */
type Connect = (lost: (error: unknown) => void) => Promise<void>;

export class AmqpTransporter extends Transporters.AMQP {
  readonly #stopping = new AbortController();

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
