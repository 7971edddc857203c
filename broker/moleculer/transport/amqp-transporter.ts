/**
 * Moleculer's AMQP transporter, improved for failures of RabbitMQ and of nodes:
 * - It tries to connect twice a second instead of every five seconds, and notices a silent peer.
 * - With several addresses, it moves to another RabbitMQ node when its own fails, together with its queues.
 * - Its request queue ends with its connection. So RabbitMQ returns requests to a crashed node at once, and callers
 *   use another node. Moleculer's queue outlives its node, and callers wait for their time-out.
 * - It has no limit of concurrent requests. Some requests wait for seconds, and others that they depend on would get
 *   no slot.
 * - It opens a new connection when only the channel is lost. Moleculer's nodes receive nothing from then on.
 * - While RabbitMQ blocks publishers because memory is low, it refuses a request at once.
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
import { redact, redactedReason } from "../../contract/secrets/redact.ts";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import { rateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { refused } from "../../resilience/refusals.ts";
import { backoff } from "../../resilience/retry.ts";
import { notDelivered } from "../middlewares/refused-calls.ts";

const MAX_DELAY_MS = 500;
const HEARTBEAT_SECONDS = 5;
const CLOSE_TIMEOUT_MS = 3_000;
/** Beyond this, callers wait for their time-out. A node answers some thousand requests per second. */
const MAX_UNSENT = 5_000;
/**
 * In a cluster, a queue lives on the RabbitMQ node where it was declared. While that node is away, its name stays in
 * use. This holds for durable queues on every RabbitMQ, and for exclusive ones since RabbitMQ 4. So these queues belong to one
 * connection each, and RabbitMQ names them.
 */
const OF_ONE_CONNECTION = { exclusive: true, durable: false };
const NEW_NAME = "";

type Settings = Exclude<ConstructorParameters<typeof Transporters.AMQP>[0], string | undefined>;
type Options = Omit<Settings, "url"> & { socketOptions?: object };
/** Missing in Moleculer's types: the callback runs when an established connection is lost. */
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
  /** Ids of requests that run here. */
  readonly #running = new Set<string>();
  #connectedAt = 0;
  /** Answers that were ready without a connection. The next one sends them. */
  #unsent: Packet[] = [];

  /**
   * @param url of RabbitMQ, or several of its cluster separated by commas; without heartbeats in it
   * @param variable that configured it, for operators
   */
  constructor(url: string, options: Options, variable = "AMQP_URL") {
    const addresses = addressesWithHeartbeat(url, HEARTBEAT_SECONDS).map((it) => it.href);
    // Moleculer tries one after the other. Its types know only one.
    super({ ...options, url: addresses });
    // The REPL shows all enumerable fields.
    Object.defineProperty(this.opts, "url", { enumerable: false });
    Object.assign(this.opts, { addresses: redact(addresses.join(",")) });
    this.#inCluster = addresses.length > 1;
    this.#variable = variable;
    this.#firstAddress = addresses[0] ?? "";
    this.#refusal.promise.catch(() => undefined);
    this.#guardPrefetch();
  }

  /**
   * Catches the error of setting the prefetch. Moleculer sets it on a new channel and ignores the result. If that
   * channel is lost before RabbitMQ has answered, the error would end the process. Moleculer gives us the channel
   * right before.
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
          // Every failure also closes the channel, which is noticed.
          set.catch(() => undefined);
          return set;
        };
      },
    });
  }

  #watchRequests(): void {
    const transit = this.transit;
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

  /** Milliseconds for which this node has received requests without interruption. */
  get connectedMs(): number {
    return performance.now() - this.#connectedAt;
  }

  /** Ids of requests that this node will answer. */
  get runningRequests(): string[] {
    return [...this.#running, ...this.#unsent.map((it) => it.payload.id)];
  }

  /**
   * Why RabbitMQ takes nothing from this node. Undefined while it does. While it blocks, nodes receive nothing from
   * each other.
   */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** Moleculer logs up to four lines per attempt. This class logs what operators need. */
  override init(...args: Parameters<Transporters.AMQP["init"]>): void {
    super.init(...args);
    this.#watchRequests();
    const log = this.logger;
    const debug = (message: unknown, detail?: unknown) =>
      log.debug(`${message}${detail === undefined ? "" : ` ${redactedReason(detail)}`}`);
    this.#log = log;
    this.logger = { ...log, info: debug, warn: debug, error: debug } as typeof log;
  }

  /** Rejected where RabbitMQ refuses this configuration before the first connection. */
  get refused(): Promise<never> {
    return this.#refusal.promise;
  }

  /** Resolves when connected for the first time. After that it reconnects by itself. */
  override async connect(): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++)
      try {
        await (super.connect as Connect).call(this, (reason) => void this.#lost(reason));
        // Connecting ends with a pause for answers of other nodes. The channel may be lost in it.
        if (this.channel) this.#watchChannel(this.channel);
        else await this.#channelLost();
        this.#everConnected = true;
        return;
      } catch (error) {
        this.#endWhereRefused(error);
        // The bus waits for the same RabbitMQ, and logs that.
        if (this.#variable !== "AMQP_URL")
          rateLimitedLog(this.#log).warn("connect", `calls wait for RabbitMQ: ${redactedReason(error)}`, {
            attempt,
          });
        // Otherwise the rest of the connection would keep the queues.
        await this.#close();
        await sleep(backoff(attempt, MAX_DELAY_MS));
      }
  }

  async #lost(reason: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    rateLimitedLog(this.#log).warn(
      "connect",
      `the connection for calls to RabbitMQ is lost: ${redactedReason(reason ?? "closed")}`,
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
    await within(CLOSE_TIMEOUT_MS, Promise.resolve(super.disconnect()));
  }

  #watchChannel(channel: Channel): void {
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
    // Moleculer's own listener logs the whole request.
    channel.removeAllListeners("return");
    channel.on("return", ({ content }: ConsumeMessage) => this.#nodeUnavailable(content));
    this.#connectedAt = performance.now();
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const packet of unsent) void this.publish(packet);
    // It tells callers about requests that were lost with the previous connection.
    void this.broker.registry.discoverer.sendHeartbeat();
  }

  override async prepublish(packet: Packet): Promise<void> {
    if (packet.type === "RES" && !this.connected) this.#keep(packet);
    else await super.prepublish(packet);
  }

  #keep(packet: Packet): void {
    if (this.#unsent.length < MAX_UNSENT) this.#unsent.push(packet);
  }

  /** Packets for one node go through a separate exchange, which finds the node's queue whatever its name. */
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
    // Unacked requests are not redelivered, because the queue ends with the connection. Without acks there is no
    // limit on concurrent requests.
    await channel.consume(queue, this._consumeCB(cmd), { ...this.opts.consumeOptions, noAck: true });
  }

  /** Only requests are published so that RabbitMQ returns them when the queue is missing. */
  override async send(topic: string, data: Buffer, meta: Sent): Promise<void> {
    const { type, target, payload } = meta.packet;
    if (this.#blocked !== undefined) {
      if (type === "REQ")
        return this.#refused(payload.id, new SoukError("UNAVAILABLE", undefined, { retryAfter: 2 }));
      // They would all arrive at once when the blocking ends.
      if (type === "HEARTBEAT") return;
    }
    const channel: Channel | null = this.channel;
    try {
      // A broadcast on a closing channel is lost. Everything is announced again on the next connection.
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

  /** The node is gone, or is moving to another RabbitMQ. Nothing was done. */
  #nodeUnavailable(content: Buffer): void {
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
      // RabbitMQ has ended the consumer. It does so when the queue is deleted.
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

  /** Closes the rest of the connection too, so that the transporter starts again. */
  async #channelLost(): Promise<void> {
    if (!this.#stopping.signal.aborted) await this.#close();
  }

  async #close(): Promise<void> {
    const connection: ChannelModel | null = this.connection;
    if (!connection) return;
    try {
      // A lost or silent connection never answers the close.
      await within(CLOSE_TIMEOUT_MS, connection.close());
    } catch {
      // Already closed: the whole connection was lost.
    }
    destroySocket(connection);
  }
}

type Packet = Parameters<Transporters.AMQP["publish"]>[0];

interface Sent {
  balanced?: boolean;
  packet: Packet;
}

interface Request {
  id: string;
}
