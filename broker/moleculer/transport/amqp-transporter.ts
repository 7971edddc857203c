/**
 * Moleculer's AMQP transporter, made fit for RabbitMQ that goes away and nodes that die:
 * - it looks for RabbitMQ twice a second instead of every five seconds, and notices a peer that has gone silent
 * - it goes to another node of RabbitMQ's cluster when its own is gone, where it knows several addresses, and takes its
 *   queues along
 * - it takes requests from a queue that goes with its connection, so that RabbitMQ gives a request to a node that died back
 *   at once, to be made elsewhere; Moleculer's queue outlives its node, and callers wait for their time-out
 * - it takes as many requests as come: some wait for seconds, and would keep the places of others, on which they may wait
 * - it opens a new connection where only the channel was lost; Moleculer's nodes stay deaf from then on
 * - while RabbitMQ blocks those who publish, for want of memory, a request is refused at once instead of waiting for that
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import { Transporters } from "moleculer";
import { addressesWithHeartbeat } from "../../bus/amqp/address.ts";
import { isClosed } from "../../bus/amqp/close-channel.ts";
import { corkWrites } from "../../bus/amqp/cork-writes.ts";
import { explainHandshakes } from "../../bus/amqp/handshake.ts";
import { amqpRefusal } from "../../bus/amqp/refusals.ts";
import { destroySocket } from "../../bus/amqp/socket.ts";
import { SoukError } from "../../contract/errors.ts";
import { redact, redactedReason } from "../../contract/redact.ts";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import { rateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { refused } from "../../resilience/refusals.ts";
import { backoff } from "../../resilience/retry.ts";
import { notDelivered } from "../middlewares/refused-calls.ts";

const MAX_DELAY_MS = 500;
const HEARTBEAT_SECONDS = 5;
const FAREWELL_MS = 3_000;
/** Beyond, callers wait for their time-out: a node answers some thousand requests a second. */
const MAX_UNSENT = 5_000;
/**
 * In a cluster a queue lives on the node of RabbitMQ that it was declared at, and its name stays taken while that node
 * is away: a durable queue's on every RabbitMQ, an exclusive one's since RabbitMQ 4. So these are each of one
 * connection only, and RabbitMQ gives each of them a new name.
 */
const OF_ONE_CONNECTION = { exclusive: true, durable: false };
const NEW_NAME = "";

type Settings = Exclude<ConstructorParameters<typeof Transporters.AMQP>[0], string | undefined>;
type Options = Omit<Settings, "url"> & { socketOptions?: object };
/** What Moleculer's types leave out: the callback is told when an established connection is lost. */
type Connect = (lost: (error: unknown) => void) => Promise<void>;

explainHandshakes();

export class AmqpTransporter extends Transporters.AMQP {
  readonly #stopping = new AbortController();
  readonly #inCluster: boolean;
  #blocked: string | undefined;
  readonly #refusal = Promise.withResolvers<never>();
  readonly #variable: string;
  readonly #firstAddress: string;
  #everConnected = false;
  #log!: Log;
  /** Ids of requests that are being carried out here. */
  readonly #running = new Set<string>();
  #connectedAt = 0;
  /** Answers that were ready while there was no connection, for the next one. */
  #unsent: Packet[] = [];

  /**
   * @param url of RabbitMQ, or several of its cluster separated by commas; without heartbeats of their own
   * @param variable that gave it, for operators
   */
  constructor(url: string, options: Options, variable = "AMQP_URL") {
    const addresses = addressesWithHeartbeat(url, HEARTBEAT_SECONDS).map((it) => it.href);
    // Moleculer tries one after the other; its types know of one only.
    super({ ...options, url: addresses as unknown as string });
    // The REPL shows all that can be enumerated.
    Object.defineProperty(this.opts, "url", { enumerable: false });
    Object.assign(this.opts, { addresses: redact(addresses.join(",")) });
    this.#inCluster = addresses.length > 1;
    this.#variable = variable;
    this.#firstAddress = addresses[0] ?? "";
    this.#refusal.promise.catch(() => undefined);
    this.#guardPrefetch();
  }

  /**
   * Moleculer sets the prefetch of a new channel and does not look at how that ends: a channel that is lost before
   * RabbitMQ has answered would end the process. It gives the channel to us right before.
   */
  #guardPrefetch(): void {
    let present: Channel | null = null;
    Object.defineProperty(this, "channel", {
      get: () => present,
      set: (channel: Channel | null) => {
        present = channel;
        const prefetch = channel?.prefetch.bind(channel);
        if (!channel || !prefetch) return;
        channel.prefetch = (...args) => {
          const set = prefetch(...args);
          // Whatever fails it has closed the channel, too, which is noticed.
          set.catch(() => undefined);
          return set;
        };
      },
    });
  }

  #watchRequests(): void {
    const transit = this.transit as unknown as RequestHandler;
    const handle = transit.requestHandler.bind(transit);
    transit.requestHandler = async (payload) => {
      this.#running.add(payload.id);
      try {
        return await handle(payload);
      } finally {
        this.#running.delete(payload.id);
      }
    };
  }

  /** How long this node has been hearing requests without a break; milliseconds. */
  get heardMs(): number {
    return performance.now() - this.#connectedAt;
  }

  /** Ids of requests that this node will answer. */
  get atWork(): string[] {
    return [...this.#running, ...this.#unsent.map((it) => it.payload.id)];
  }

  /** Why RabbitMQ takes nothing from this node, where it does not: then nobody hears this node, nor this one others. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** Moleculer writes up to four lines about each attempt; what operators need is told by this class. */
  override init(...args: Parameters<Transporters.AMQP["init"]>): void {
    super.init(...args);
    this.#watchRequests();
    const log = this.logger;
    const debug = (message: unknown, detail?: unknown) =>
      log.debug(`${message}${detail === undefined ? "" : ` ${redactedReason(detail)}`}`);
    this.#log = log;
    this.logger = { ...log, info: debug, warn: debug, error: debug } as typeof log;
  }

  /** Rejected where RabbitMQ will not have us as configured, before it ever has. */
  get refused(): Promise<never> {
    return this.#refusal.promise;
  }

  /** Resolves when connected for the first time; from then on it keeps itself connected. */
  override async connect(): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++)
      try {
        await (super.connect as Connect).call(this, (reason) => void this.#lost(reason));
        // Connecting ends with a pause for other nodes to answer, in which the channel may have been lost already.
        if (this.channel) this.#attend(this.channel);
        else await this.#channelLost();
        this.#everConnected = true;
        return;
      } catch (error) {
        this.#endWhereRefused(error);
        // The bus waits for the same RabbitMQ, and says so.
        if (this.#variable !== "AMQP_URL")
          rateLimitedLog(this.#log).warn("connect", `calls wait for RabbitMQ: ${redactedReason(error)}`, {
            attempt,
          });
        // What is left of the connection would keep the queues for itself.
        await this.#close();
        await sleep(backoff(attempt, MAX_DELAY_MS));
      }
  }

  async #lost(reason: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    rateLimitedLog(this.#log).warn(
      "connect",
      `calls have lost RabbitMQ: ${redactedReason(reason ?? "closed")}`,
    );
    await this.connect();
  }

  #endWhereRefused(error: unknown): void {
    const reason = this.#everConnected ? undefined : amqpRefusal(error, this.#firstAddress);
    if (reason === undefined) return;
    this.#stopping.abort();
    this.#refusal.reject(refused(this.#variable, reason));
  }

  override async disconnect(): Promise<void> {
    this.#stopping.abort();
    // See #close.
    await within(FAREWELL_MS, Promise.resolve(super.disconnect()));
  }

  #attend(channel: Channel): void {
    corkWrites(channel.connection);
    this.#blocked = undefined;
    const connection: ChannelModel = this.connection;
    connection.on("blocked", (reason: string) => {
      this.#blocked = reason;
    });
    connection.on("unblocked", () => {
      this.#blocked = undefined;
    });
    channel.once("close", () => {
      this.#blocked = undefined;
      void this.#channelLost();
    });
    // Moleculer's own listener writes the whole request to the log.
    channel.removeAllListeners("return");
    channel.on("return", ({ content }: ConsumeMessage) => this.#nobodyThere(content));
    this.#connectedAt = performance.now();
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const packet of unsent) void this.publish(packet as never);
    // It tells callers whose requests were lost with the connection before.
    void this.broker.registry.discoverer.sendHeartbeat();
  }

  override async prepublish(packet: Packet): Promise<void> {
    if (packet.type === "RES" && !this.connected) this.#keep(packet);
    else await super.prepublish(packet as never);
  }

  #keep(packet: Packet): void {
    if (this.#unsent.length < MAX_UNSENT) this.#unsent.push(packet);
  }

  /** What is for one node goes through an exchange of its own, so that it finds the node's queue by any name. */
  get #toOne(): string {
    return `${this.prefix}.TO`;
  }

  override async subscribe(cmd: string, nodeID?: string): Promise<void> {
    const channel: Channel | null = this.channel;
    if (!channel) return;
    const topic = this.getTopicName(cmd, nodeID);
    if (nodeID !== undefined) await channel.assertExchange(this.#toOne, "direct", this.opts.exchangeOptions);
    if (!this.#inCluster && cmd !== "REQ") {
      await super.subscribe(cmd, nodeID);
      if (nodeID !== undefined) await channel.bindQueue(topic, this.#toOne, topic);
      return;
    }
    const options = { ...this._getQueueOptions(cmd), ...OF_ONE_CONNECTION };
    const { queue } = await channel.assertQueue(NEW_NAME, options);
    if (nodeID === undefined) {
      await channel.assertExchange(topic, "fanout", this.opts.exchangeOptions);
      await channel.bindQueue(queue, topic, "");
    } else await channel.bindQueue(queue, this.#toOne, topic);
    // Nobody else gets what was not acked: the queue is gone then. And without acks there is no limit to what is under way.
    await channel.consume(queue, this._consumeCB(cmd), { ...this.opts.consumeOptions, noAck: true });
  }

  /** Only requests are sent so that RabbitMQ gives them back when the queue is away. */
  override async send(topic: string, data: Buffer, meta: Sent): Promise<void> {
    const { type, target, payload } = meta.packet;
    if (this.#blocked !== undefined) {
      if (type === "REQ")
        return this.#refused(payload.id, new SoukError("UNAVAILABLE", undefined, { retryAfter: 2 }));
      // They would come all at once when it is over.
      if (type === "HEARTBEAT") return;
    }
    const channel: Channel | null = this.channel;
    try {
      // A broadcast on a channel that is closing is lost, as it is without one: on the next connection all is told anew.
      if (meta.balanced || target == null) await super.send(topic, data, meta);
      else
        channel?.publish(this.#toOne, topic, data, {
          ...this.opts.messageOptions,
          mandatory: type === "REQ",
        });
    } catch (error) {
      if (!isClosed(error)) throw error;
      if (type === "RES") this.#keep(meta.packet);
    }
  }

  /** The node is gone, or on its way to another RabbitMQ; nothing has been done. */
  #nobodyThere(content: Buffer): void {
    const { id } = this.deserialize("REQ", content).payload as Request;
    this.#refused(id, notDelivered(new SoukError("UNAVAILABLE", undefined, { retryAfter: 1 })));
  }

  #refused(id: string, error: SoukError): void {
    const pending = this.transit.pendingRequests.get(id);
    this.transit.removePendingRequest(id);
    pending?.reject(error);
  }

  /** Called for each queue when it is consumed. */
  override _consumeCB(cmd: string): (message: ConsumeMessage | null) => Promise<void> {
    return async (message) => {
      // RabbitMQ ended the consumer, as it does when the queue is deleted.
      if (!message) return this.#channelLost();
      try {
        await this.receive(cmd, message.content);
      } catch (error) {
        rateLimitedLog(this.#log).error("request", "a packet could not be handled", {
          cmd,
          reason: redactedReason(error),
        });
      }
    };
  }

  /** Closing the rest of the connection, too, makes the transporter begin anew. */
  async #channelLost(): Promise<void> {
    if (!this.#stopping.signal.aborted) await this.#close();
  }

  async #close(): Promise<void> {
    const connection: ChannelModel | null = this.connection;
    if (!connection) return;
    try {
      // A connection that is lost meanwhile, or has gone silent, never answers the farewell.
      await within(FAREWELL_MS, connection.close());
    } catch {
      // Closed already: it was the whole connection that was lost.
    }
    destroySocket(connection);
  }
}

/** What Moleculer's types leave out. */
interface RequestHandler {
  requestHandler(payload: { id: string }): Promise<unknown>;
}

interface Packet {
  type: string;
  target?: string;
  payload: { id: string };
}

interface Sent {
  balanced?: boolean;
  packet: Packet;
}

interface Request {
  id: string;
}
