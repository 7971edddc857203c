/** One connection to RabbitMQ that reconnects by itself. */
import { type ChannelModel, connect } from "amqplib";
import { redactedReason } from "../../contract/secrets/redact.ts";
import { ConfigError } from "../../contract/variables.ts";
import type { Log } from "../../resilience/log.ts";
import type { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { refused } from "../../resilience/refusals.ts";
import { backoff, pause } from "../../resilience/retry.ts";
import { partitionOf } from "../topology.ts";
import { addressesWithHeartbeat } from "./address.ts";
import { corkWrites } from "./cork-writes.ts";
import { TopologyError } from "./declare.ts";
import { explainHandshakes } from "./handshake.ts";
import { amqpRefusal, amqpRightsRefusal } from "./refusals.ts";
import { destroySocket } from "./socket.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 500;
/** Pause after a connection to the wrong kind of server or shop. */
const REFUSED_DELAY_MS = 2_000;

explainHandshakes();

export interface LinkOptions {
  /** One address or several. See `address.ts`. */
  url: string;
  /** Shown in RabbitMQ's list of connections. */
  name: string;
  heartbeatSeconds: number;
  log: Log;
  limitedLog: RateLimitedLog;
  /** Checks each new connection before it is used. */
  admit?(model: ChannelModel): Promise<void>;
  /** Called after every connection except the first. */
  reconnected(): void;
}

export interface LinkUser {
  /** The connection is open, for the first time or again. */
  up(model: ChannelModel): void;
  /** The connection is lost, and all its channels. */
  down(): void;
  blocked?(reason: string): void;
  unblocked?(): void;
}

export class AmqpLink {
  readonly #options: LinkOptions;
  readonly #addresses: readonly URL[];
  /** Index of the address to try next. Links start at different addresses, so that they spread over a cluster. */
  #next: number;
  readonly #users: LinkUser[] = [];
  readonly #closing = new AbortController();
  readonly #firstUp = Promise.withResolvers<void>();
  #model: ChannelModel | undefined;
  #loop: Promise<void> = Promise.resolve();

  /** @throws TypeError where an address is not a URL */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.#addresses = addressesWithHeartbeat(options.url, options.heartbeatSeconds);
    this.#next = partitionOf(options.name, this.#addresses.length);
  }

  /** The present connection. Undefined while there is none. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** Fires when the link is closed for good. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Registers a user. Calls `up` at once if the link is connected. */
  use(user: LinkUser): void {
    this.#users.push(user);
    if (this.#model) user.up(this.#model);
  }

  /**
   * Resolves when connected for the first time, or closed before that.
   * @throws {ConfigError} RabbitMQ refuses this configuration at the first connection
   */
  start(): Promise<void> {
    this.#loop = this.#run();
    return this.#firstUp.promise;
  }

  /** A message for operators when the user lacks a right. Undefined for any other error. */
  rightsRefusal(error: unknown): ConfigError | undefined {
    return amqpRightsRefusal(error, this.#options.url);
  }

  /** Closes a connection that does not work properly. The link then reconnects. */
  giveUp(model: ChannelModel): void {
    destroySocket(model);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#firstUp.resolve();
    const model = this.#model;
    // A silent peer never answers the close. The loop ends once the socket is destroyed.
    const deadline = model && setTimeout(() => destroySocket(model), CLOSE_TIMEOUT_MS);
    model?.close().catch((error: Error) => {
      this.#options.log.debug(`${this.#options.name}: was closed already`, { error: error.message });
    });
    await this.#loop;
    clearTimeout(deadline);
  }

  async #run(): Promise<void> {
    let connections = 0;
    for (let attempt = 1; !this.closing.aborted; attempt++) {
      const model = await this.#connect(attempt, connections === 0);
      if (!model || !(await this.#admit(model, connections === 0))) continue;
      attempt = 0;
      if (connections++ > 0) this.#options.reconnected();
      await this.#serve(model);
    }
  }

  async #connect(attempt: number, first: boolean): Promise<ChannelModel | undefined> {
    const { name, log, limitedLog } = this.#options;
    const { href, host } = this.#address();
    try {
      const model = await connect(href, {
        noDelay: true,
        keepAlive: true,
        timeout: CONNECT_TIMEOUT_MS,
        clientProperties: { connection_name: name },
      });
      corkWrites(model.connection);
      log.debug(`${name}: connected to RabbitMQ at ${host}`);
      return model;
    } catch (thrown) {
      const refusal = amqpRefusal(thrown, href);
      if (first && refusal !== undefined) {
        this.#firstUp.reject(refused("AMQP_URL", refusal));
        this.#closing.abort();
        return undefined;
      }
      // One log line for all connections of a node, because they wait for the same server.
      limitedLog.warn("connect", `waiting for RabbitMQ at ${host}: ${refusal ?? redactedReason(thrown)}`, {
        attempt,
      });
      // It pauses after each round. Within a round, the next address is tried at once.
      const rounds = attempt / this.#addresses.length;
      if (Number.isInteger(rounds)) await pause(backoff(rounds, MAX_RECONNECT_DELAY_MS), this.closing);
      return undefined;
    }
  }

  /** @param first a refusal at the first connection ends the start; later, the link waits */
  async #admit(model: ChannelModel, first: boolean): Promise<boolean> {
    const { limitedLog, admit } = this.#options;
    // A lost connection fails the pending check. An event without a listener would end the process.
    model.on("error", () => undefined);
    try {
      await admit?.(model);
      return true;
    } catch (thrown) {
      destroySocket(model);
      const refusal = thrown instanceof TopologyError ? (this.rightsRefusal(thrown.cause) ?? thrown) : thrown;
      if (first && (refusal instanceof ConfigError || refusal instanceof TopologyError)) {
        this.#firstUp.reject(refusal);
        this.#closing.abort();
      } else {
        limitedLog.warn("admit", `RabbitMQ can't be used: ${redactedReason(thrown)}`);
        await pause(REFUSED_DELAY_MS, this.closing);
      }
      return false;
    }
  }

  #address(): URL {
    const url = this.#addresses[this.#next];
    if (!url) throw new Error("there is no address of RabbitMQ");
    this.#next = (this.#next + 1) % this.#addresses.length;
    return url;
  }

  /** Resolves when the connection is lost. */
  async #serve(model: ChannelModel): Promise<void> {
    const { name, limitedLog } = this.#options;
    const gone = Promise.withResolvers<void>();
    let reason: Error | undefined;
    model.on("error", (error: Error) => {
      reason = error;
    });
    model.on("close", (error?: Error) => {
      reason ??= error;
      gone.resolve();
    });
    model.on("blocked", (why: string) => {
      for (const user of this.#users) user.blocked?.(why);
    });
    model.on("unblocked", () => {
      for (const user of this.#users) user.unblocked?.();
    });
    if (this.closing.aborted) {
      destroySocket(model);
      await gone.promise;
      return;
    }
    this.#model = model;
    this.#firstUp.resolve();
    for (const user of this.#users) user.up(model);
    await gone.promise;
    this.#model = undefined;
    destroySocket(model);
    if (!this.closing.aborted)
      limitedLog.warn("lost", `connection to RabbitMQ lost: ${reason ? redactedReason(reason) : "closed"}`, {
        connection: name,
      });
    for (const user of this.#users) user.down();
  }
}
