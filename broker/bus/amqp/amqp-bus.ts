/** The bus over RabbitMQ. Names and arguments of queues are in `topology.ts` and `declare.ts`. */
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { Envelope } from "../../contract/envelope.ts";
import { UnknownValueError } from "../../contract/tolerant.ts";
import { type Clock, systemClock } from "../../resilience/clock.ts";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../../resilience/retry.ts";
import { singleFlight } from "../../resilience/single-flight.ts";
import {
  type Bus,
  type BusState,
  BusUnavailableError,
  type Consumption,
  type Delivery,
  type MailboxConsumption,
  type MailboxHandlers,
  type MailboxSpec,
  newStats,
  type Tapped,
  type TapSpec,
  type Topology,
  type WorkerSpec,
} from "../bus.ts";
import { Gathering } from "../gathering.ts";
import { attemptWork, dispatch, received } from "../receive.ts";
import {
  deadExchangeName,
  exchangeName,
  mailboxName,
  queueName,
  queuesOf,
  Routes,
  routingKey,
  TAP_EVENT,
  TAP_OTHER,
  tapExchangeName,
  tapName,
  workerName,
} from "../topology.ts";
import { Batcher, COPIES_IN_MESSAGE, encoded, type Outgoing, type Part, partsOf } from "./batches.ts";
import { claimMessages } from "./claim-shop.ts";
import { AmqpLink } from "./connection.ts";
import { type Lease, QueueConsumer } from "./consumer.ts";
import { deadHeaders } from "./dead-headers.ts";
import { declareTopology, isDeclared, TopologyError } from "./declare.ts";
import { Publisher } from "./publisher.ts";
import { Slots } from "./slots.ts";
import { copyFor, readCopy } from "./tap-copies.ts";

const DEFAULT_WINDOW = 2_000;
/** RabbitMQ moves the partitions of a hanging node after two or three missed heartbeats. */
const DEFAULT_HEARTBEAT_SECONDS = 3;
const MAILBOX_PREFETCH = 100;
const WORKER_PREFETCH = 50;
/** AMQP messages, each with many messages of the shop. */
const TAP_PREFETCH = 100;
const CLOSE_TIMEOUT_MS = 5_000;
/** How long a stop waits for a worker's handlers. Unfinished messages are redelivered to another consumer. */
const DRAIN_MS = 5_000;
const REPAIR_INTERVAL_MS = 5_000;
/** How long a message with an unknown value is kept for a newer node. */
const NEWER_WAIT_MS = 5 * 60_000;
/**
 * When a node declares again after it has found the topology marker, in case somebody has deleted a binding. Half of
 * it is random.
 */
const REDECLARE_MS = 60_000;

export interface AmqpBusOptions {
  /** One address or several. See `address.ts`. */
  url: string;
  /** First part of all names on RabbitMQ. */
  prefix: string;
  /**
   * Id of the shop that owns these messages. A connection to another shop's messages is refused. Without it, nothing
   * is checked.
   */
  shop?: string;
  /** Node id, shown in RabbitMQ's list of connections. */
  name: string;
  log: Log;
  clock?: Clock;
  /**
   * Whether every consumer of the shop reads batches. It is asked for each message, see `batches.ts`. Default: no.
   */
  readsBatches?: () => boolean;
  /** How many messages may be published and not yet confirmed. Further messages wait. */
  window?: number;
  heartbeatSeconds?: number;
  /** Milliseconds until existing queues are declared again. */
  redeclareMs?: number;
  /** Milliseconds for which a message is kept that a newer node may understand. Then it goes to the dead queue. */
  newerWaitMs?: number;
  /** Stops waiting for the first connection. */
  signal?: AbortSignal;
}

/**
 * Resolves when connected. While RabbitMQ is away, it waits and logs the reason.
 * @throws TypeError for a bad URL; {@link BusUnavailableError} when `signal` fires first; {@link OtherShopError}
 */
export async function createAmqpBus(options: AmqpBusOptions): Promise<Bus> {
  const { bus, connected } = openAmqpBus(options);
  await connected;
  return bus;
}

/** Starts to connect. `connected` is the promise of {@link createAmqpBus}. */
export function openAmqpBus(options: AmqpBusOptions): { bus: Bus; connected: Promise<void> } {
  const bus = new AmqpBus(options);
  return { bus, connected: bus.start(options.signal) };
}

class AmqpBus implements Bus {
  readonly kind = "amqp";
  readonly stats = newStats();
  readonly #prefix: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limitedLog: RateLimitedLog;
  readonly #publishLink: AmqpLink;
  readonly #consumeLink: AmqpLink;
  readonly #publisher: Publisher;
  readonly #batcher: Batcher;
  readonly #copies: Batcher;
  readonly #readsBatches: () => boolean;
  readonly #routes = new Routes();
  readonly #open = new Set<Consumption>();
  #closed = false;
  /** Declares everything again, because something is missing. */
  readonly #repair = singleFlight(() => this.#redeclare());
  #repairedAt = Number.NEGATIVE_INFINITY;
  readonly #redeclareMs: number;
  readonly #newerWaitMs: number;
  #redeclareTimer: NodeJS.Timeout | undefined;

  constructor(options: AmqpBusOptions) {
    const { prefix, shop, log, clock = systemClock, window = DEFAULT_WINDOW } = options;
    this.#prefix = prefix;
    this.#log = log;
    this.#clock = clock;
    this.#limitedLog = new RateLimitedLog(log, clock);
    this.#redeclareMs = options.redeclareMs ?? REDECLARE_MS;
    this.#newerWaitMs = options.newerWaitMs ?? NEWER_WAIT_MS;
    const link = (role: string) =>
      new AmqpLink({
        url: options.url,
        name: `${options.name} ${role}`,
        heartbeatSeconds: options.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS,
        log,
        limitedLog: this.#limitedLog,
        reconnected: () => this.stats.reconnects++,
        ...(shop === undefined ? {} : { admit: (model) => claimMessages(model, prefix, shop) }),
      });
    this.#publishLink = link("publishes");
    this.#consumeLink = link("consumes");
    this.#publisher = new Publisher({
      link: this.#publishLink,
      window,
      stats: this.stats,
      log,
      limitedLog: this.#limitedLog,
      unroutable: () => void this.#repairSeldom(),
    });
    this.#readsBatches = options.readsBatches ?? (() => false);
    this.#batcher = new Batcher((outgoing) => this.#send(exchangeName(prefix), outgoing));
    this.#copies = new Batcher(
      (outgoing) => this.#send(tapExchangeName(prefix), outgoing),
      COPIES_IN_MESSAGE,
    );
    this.#consumeLink.use({ up: (model) => void this.#restoreTopology(model), down: () => undefined });
  }

  async start(signal?: AbortSignal): Promise<void> {
    const connected = Promise.all([
      this.#publishLink.start(),
      this.#consumeLink.start(),
      this.#publisher.ready,
    ]);
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(new BusUnavailableError("gave up waiting for RabbitMQ"));
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([connected, aborted.promise]);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  get state(): BusState {
    if (this.#closed) return "closed";
    return this.#consumeLink.model ? this.#publisher.state : "connecting";
  }

  async declare(topology: Topology): Promise<void> {
    this.#routes.add(topology);
    await this.#declare(topology);
  }

  async publish(message: Envelope): Promise<void> {
    const { id, type } = message;
    const { partition, mandatory, isEvent } = this.#routes.route(message);
    const key = routingKey(type, partition);
    const mayShare = !isEvent && this.#readsBatches();
    const json = JSON.stringify(message);
    const sent = this.#batcher.add({ key, partition, mandatory, mayShare, id, json });
    if (this.#routes.tapsOf(isEvent).length === 0) await sent;
    else await Promise.all([sent, this.#copy(id, json, isEvent)]);
  }

  get recordsApplied(): boolean {
    return this.#routes.tapsOf(false).length > 0;
  }

  async record(message: Envelope): Promise<void> {
    if (this.recordsApplied) await this.#copy(message.id, copyFor(message), false);
  }

  /**
   * Taps have an exchange of their own. A queue that takes everything from the exchange of all messages would make
   * every message routable, and RabbitMQ would no longer tell that the queue of its receiver is missing.
   */
  #copy(id: string, json: string, isEvent: boolean): Promise<void> {
    const key = isEvent ? TAP_EVENT : TAP_OTHER;
    return this.#copies.add({ key, partition: isEvent ? 0 : 1, mandatory: true, mayShare: true, id, json });
  }

  async consumeMailboxes(
    spec: MailboxSpec,
    handlers: MailboxHandlers,
    { prefetch = MAILBOX_PREFETCH }: { prefetch?: number } = {},
  ): Promise<MailboxConsumption> {
    await this.#ensure({ mailboxes: [spec], workers: [], taps: [] });
    const held = new Set<number>();
    const consumers = Array.from({ length: spec.partitions }, (_, partition) => {
      const queue = queueName(this.#prefix, mailboxName(spec.actor, partition));
      return this.#consumer(queue, prefetch, {
        onMessage: (raw, lease) => {
          held.add(partition);
          for (const arrival of this.#arrivals(raw, lease, queue)) {
            const message = received(() => arrival.part.value(), spec.receives);
            if (message instanceof Error) void this.#refuse(arrival, message);
            else dispatch(handlers, new AmqpDelivery(message, partition, arrival, this.#bury), this.#log);
          }
        },
        onLost: (lease) => {
          held.delete(partition);
          if (lease.unsettled > 0 || !lease.expected) handlers.onLost(partition);
        },
        onOpen: () => handlers.onQueuedUp?.(partition),
      });
    });
    const consumption: MailboxConsumption = {
      held,
      handOver: async (partition, drain) => {
        const consumer = consumers[partition];
        if (!consumer) throw new Error(`${spec.actor} has no partition ${partition}`);
        consumer.pause();
        try {
          await drain();
        } finally {
          await consumer.reopen();
        }
      },
      stop: async (drain) => {
        for (const it of consumers) it.pause();
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
          await Promise.all(consumers.map((it) => it.stop()));
        }
      },
    };
    this.#open.add(consumption);
    await Promise.all(consumers.map((it) => it.consuming));
    return consumption;
  }

  async consumeWorker(
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
    { prefetch = WORKER_PREFETCH }: { prefetch?: number } = {},
  ): Promise<Consumption> {
    await this.#ensure({ mailboxes: [], workers: [spec], taps: [] });
    const queue = queueName(this.#prefix, workerName(spec.service, spec.worker));
    const running = new Set<Promise<void>>();
    const slots = new Slots(prefetch);
    const consumer = this.#consumer(queue, prefetch, {
      onMessage: (raw, lease) => {
        for (const arrival of this.#arrivals(raw, lease, queue)) {
          const run = slots.run(() => this.#work(arrival, spec, handle)).finally(() => running.delete(run));
          running.add(run);
        }
      },
      onLost: () => undefined,
    });
    const consumption: Consumption = {
      stop: async (drain) => {
        consumer.pause();
        consumer.abandon();
        await within(DRAIN_MS, Promise.all(running));
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
          await consumer.stop();
        }
      },
    };
    this.#open.add(consumption);
    await consumer.consuming;
    return consumption;
  }

  async consumeTap(spec: TapSpec, handle: (batch: readonly Tapped[]) => Promise<void>): Promise<Consumption> {
    await this.#ensure({ mailboxes: [], workers: [], taps: [spec] });
    const queue = queueName(this.#prefix, tapName(spec));
    const gathering = new Gathering(queue, this.#limitedLog);
    gathering.attach(handle);
    const consumer = this.#consumer(queue, TAP_PREFETCH, {
      onMessage: (raw, lease) => {
        for (const arrival of this.#arrivals(raw, lease, queue)) {
          const copy = readCopy(arrival.part);
          if (copy instanceof Error) void this.#bury(arrival, copy, 1);
          else gathering.add({ ...copy, settle: arrival.settle });
        }
      },
      onLost: () => gathering.clear(),
    });
    const consumption: Consumption = {
      stop: async (drain) => {
        consumer.pause();
        consumer.abandon();
        await within(DRAIN_MS, gathering.detach());
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
          await consumer.stop();
        }
      },
    };
    this.#open.add(consumption);
    await consumer.consuming;
    return consumption;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#redeclareTimer);
    await Promise.all([...this.#open].map((it) => it.stop(async () => undefined)));
    this.#batcher.flush();
    this.#copies.flush();
    await this.#publisher.close(CLOSE_TIMEOUT_MS);
    this.#closed = true;
    await Promise.all([this.#publishLink.close(), this.#consumeLink.close()]);
  }

  #consumer(
    queue: string,
    prefetch: number,
    events: Pick<ConstructorParameters<typeof QueueConsumer>[0], "onMessage" | "onLost" | "onOpen">,
  ): QueueConsumer {
    return new QueueConsumer({
      link: this.#consumeLink,
      queue,
      prefetch,
      limitedLog: this.#limitedLog,
      repair: () => this.#repair(),
      onLost: events.onLost,
      ...(events.onOpen && { onOpen: events.onOpen }),
      onMessage: (raw, lease) => {
        lease.unsettled++;
        events.onMessage(raw, lease);
      },
    });
  }

  /** The messages of an AMQP message. It is acked when all of them are settled. */
  #arrivals(raw: ConsumeMessage, lease: Lease, queue: string): Arrival[] {
    const parts = partsOf(raw);
    this.stats.delivered += parts.length;
    if (raw.fields.redelivered) this.stats.redelivered += parts.length;
    let open = parts.length;
    const settle = () => {
      if (--open === 0) lease.ack(raw);
    };
    return parts.map((part) => ({ part, raw, lease, queue, settle }));
  }

  async #send(exchange: string, { key, mandatory, id, parts }: Outgoing): Promise<void> {
    const { content, contentType } = encoded({ parts });
    const options = { mandatory, contentType, messages: parts.length };
    await this.#publisher.publish(exchange, key, content, id, options);
  }

  async #work(
    arrival: Arrival,
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
  ): Promise<void> {
    const { part, lease, queue } = arrival;
    if (lease.over.aborted) return;
    const message = received(() => part.value(), spec.receives);
    if (message instanceof Error) return this.#refuse(arrival, message);
    const outcome = await attemptWork(queue, message, handle, lease.over, this.#limitedLog);
    if (outcome.kind === "done") arrival.settle();
    else if (outcome.kind === "dead") await this.#bury(arrival, outcome.error, outcome.attempts);
  }

  /**
   * An invalid message goes to the dead queue. A message that a newer node may understand goes there only after a
   * wait.
   */
  async #refuse(arrival: Arrival, cause: Error): Promise<void> {
    const { queue, lease } = arrival;
    if (cause instanceof UnknownValueError) {
      this.#limitedLog.warn(`newer ${queue}`, `${queue}: a message waits for a newer node: ${cause.message}`);
      await pause(this.#newerWaitMs, lease.over);
      if (lease.over.aborted) return;
    }
    await this.#bury(arrival, cause, 1);
  }

  /** Publishes to the dead queue with confirm, then settles. Repeats until it works or the delivery is lost. */
  readonly #bury = async (arrival: Arrival, cause: Error, attempts: number): Promise<void> => {
    const { part, raw, lease, queue } = arrival;
    const { id } = part;
    const headers = deadHeaders(cause, attempts, queue, raw.fields, this.#clock.now());
    for (let tries = 1; ; tries++) {
      try {
        const content = part.content();
        await this.#publisher.publish(deadExchangeName(this.#prefix), queue, content, id, { headers });
        this.stats.dead++;
        this.#log.error(`${queue}: message moved to the dead queue`, { id, attempts, error: cause.message });
        arrival.settle();
        return;
      } catch (error) {
        this.#limitedLog.warn("dead-letter", `${queue}: the dead queue does not take a message yet`, {
          error: toError(error).message,
        });
        await pause(backoff(tries), lease.over);
        if (lease.over.aborted) return;
      }
    }
  };

  /** Declares what a consumer needs, unless it is declared already. */
  async #ensure(topology: Topology): Promise<void> {
    if (this.#closed) throw new BusUnavailableError("the bus is closed");
    const { mailboxes, workers, taps } = this.#routes.declared;
    const known =
      topology.taps.every((wanted) => taps.some((it) => tapName(it) === tapName(wanted))) &&
      topology.mailboxes.every(({ actor }) => mailboxes.some((it) => it.actor === actor)) &&
      topology.workers.every((wanted) =>
        workers.some((it) => it.service === wanted.service && it.worker === wanted.worker),
      );
    if (!known) await this.declare(topology);
  }

  async #declare(topology: Topology): Promise<void> {
    for (let tries = 1; !this.#closed; tries++) {
      const { model } = this.#consumeLink;
      try {
        if (model && (await isDeclared(model, this.#prefix, topology))) return this.#redeclareLater();
        if (model) return await declareTopology(model, this.#prefix, topology);
      } catch (error) {
        if (error instanceof TopologyError) throw this.#consumeLink.rightsRefusal(error.cause) ?? error;
        this.#limitedLog.warn("declare", `can't declare the queues yet: ${toError(error).message}`);
      }
      await pause(backoff(tries), this.#consumeLink.closing);
    }
    throw new BusUnavailableError("the bus is closed");
  }

  #redeclareLater(): void {
    this.#redeclareTimer ??= setTimeout(
      () => void this.#repair(),
      this.#redeclareMs * (0.5 + Math.random() / 2),
    ).unref();
  }

  /** Runs after a reconnection, because RabbitMQ may have lost all declarations. */
  async #restoreTopology(model: ChannelModel): Promise<void> {
    const { declared } = this.#routes;
    if (queuesOf(declared).length === 0) return;
    try {
      if (!(await isDeclared(model, this.#prefix, declared))) await this.#repair();
    } catch (error) {
      // The connection was lost again. The next connection checks again.
      this.#limitedLog.warn("look", `can't look for the queues: ${toError(error).message}`);
    }
  }

  async #repairSeldom(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#repairedAt < REPAIR_INTERVAL_MS) return;
    this.#repairedAt = now;
    await this.#repair();
  }

  async #redeclare(): Promise<void> {
    const { declared } = this.#routes;
    if (queuesOf(declared).length === 0) return;
    for (let model = this.#consumeLink.model; model; ) {
      try {
        return await declareTopology(model, this.#prefix, declared);
      } catch (error) {
        this.#limitedLog.warn("redeclare", `can't declare the queues again: ${toError(error).message}`);
      }
      // If the connection was lost meanwhile, the next one is used.
      const present = this.#consumeLink.model;
      model = present === model ? undefined : present;
    }
  }
}

/** A message that has arrived. */
interface Arrival {
  readonly part: Part;
  /** The AMQP message that it came in. */
  readonly raw: ConsumeMessage;
  readonly lease: Lease;
  readonly queue: string;
  /** Call it once. */
  settle(): void;
}

class AmqpDelivery implements Delivery {
  readonly message: Envelope;
  readonly partition: number;
  readonly redelivered: boolean;
  readonly #arrival: Arrival;
  readonly #bury: (arrival: Arrival, error: Error, attempts: number) => Promise<void>;
  #settled = false;

  constructor(
    message: Envelope,
    partition: number,
    arrival: Arrival,
    bury: (arrival: Arrival, error: Error, attempts: number) => Promise<void>,
  ) {
    this.message = message;
    this.partition = partition;
    this.redelivered = arrival.raw.fields.redelivered;
    this.#arrival = arrival;
    this.#bury = bury;
  }

  ack(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#arrival.settle();
  }

  async dead(error: Error, attempts: number): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    await this.#bury(this.#arrival, error, attempts);
  }
}
