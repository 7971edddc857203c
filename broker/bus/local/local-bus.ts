/**
 * The bus in one process, for embedded mode. It stores nothing and loses nothing in a crash. A message counts as
 * published only when every subscriber has settled it. Until then it is in its sender's outbox.
 */

import { kindOf, presentType } from "../../contract/contract.ts";
import type { Envelope } from "../../contract/envelope.ts";
import { type Clock, systemClock } from "../../resilience/clock.ts";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { backoff, pause, toError } from "../../resilience/retry.ts";
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
  UnroutableError,
  type WorkerSpec,
} from "../bus.ts";
import { describeFailure } from "../failure.ts";
import { Gathering } from "../gathering.ts";
import { attemptWork, dispatch, received } from "../receive.ts";
import { mailboxName, queuesOf, Routes, tapName, workerName } from "../topology.ts";
import { type DeadLetter, type DeadLetterStore, letterId } from "./dead-letters.ts";
import { jsonCopy } from "./json-copy.ts";
import { type Entry, LocalConsumer, LocalQueue } from "./queue.ts";

const MAILBOX_PREFETCH = 100;
const WORKER_PREFETCH = 50;
const REPLAY_POLL_MS = 2_000;
const REPLAY_BATCH = 100;
const DRAIN_MS = 5_000;

export interface LocalBusOptions {
  deadLetters: DeadLetterStore;
  log: Log;
  clock?: Clock;
  /** How long a stop waits for running workers. Milliseconds. */
  drainMs?: number;
}

export function createLocalBus(options: LocalBusOptions): Bus {
  return new LocalBus(options);
}

class LocalBus implements Bus {
  readonly kind = "local";
  readonly stats = newStats();
  readonly #deadLetters: DeadLetterStore;
  readonly #drainMs: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limitedLog: RateLimitedLog;
  readonly #routes = new Routes();
  readonly #queues = new Map<string, LocalQueue>();
  /** Queues by message type: mailboxes by partition, then workers. */
  readonly #mailboxes = new Map<string, LocalQueue[][]>();
  readonly #workers = new Map<string, LocalQueue[]>();
  readonly #taps = new Map<string, Gathering>();
  readonly #open = new Set<Consumption>();
  readonly #underWay = new Set<(error: Error) => void>();
  readonly #replaying = new Set<string>();
  #ready: LocalQueue[] = [];
  #closed = false;
  readonly #poll: NodeJS.Timeout;
  #polling: Promise<void> = Promise.resolve();

  constructor({ deadLetters, log, clock = systemClock, drainMs = DRAIN_MS }: LocalBusOptions) {
    this.#deadLetters = deadLetters;
    this.#drainMs = drainMs;
    this.#log = log;
    this.#clock = clock;
    this.#limitedLog = new RateLimitedLog(log, clock);
    this.#poll = setInterval(() => {
      this.#polling = this.#polling.then(() => this.#replay());
    }, REPLAY_POLL_MS).unref();
  }

  get state(): BusState {
    return this.#closed ? "closed" : "connected";
  }

  async declare(topology: Topology): Promise<void> {
    this.#routes.add(topology);
    for (const plan of queuesOf(topology))
      if (plan.tap) {
        if (!this.#taps.has(plan.name)) this.#taps.set(plan.name, new Gathering(plan.name, this.#limitedLog));
      } else if (!this.#queues.has(plan.name))
        this.#queues.set(plan.name, new LocalQueue(plan.name, plan.singleActiveConsumer, this.#onReady));
    this.#bind();
  }

  publish(message: Envelope): Promise<void> {
    if (this.#closed) return Promise.reject(new BusUnavailableError("the bus is closed"));
    let queues: readonly LocalQueue[];
    let taps: readonly Gathering[];
    try {
      queues = this.#receivers(message);
      taps = this.#tapsOf(kindOf(message.type) === "event");
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#send(message, queues, taps, false);
  }

  get recordsApplied(): boolean {
    return this.#routes.tapsOf(false).length > 0;
  }

  record(message: Envelope): Promise<void> {
    if (this.#closed) return Promise.reject(new BusUnavailableError("the bus is closed"));
    return this.#send(message, [], this.#tapsOf(false), true);
  }

  #send(
    message: Envelope,
    queues: readonly LocalQueue[],
    taps: readonly Gathering[],
    applied: boolean,
  ): Promise<void> {
    this.stats.published++;
    if (queues.length + taps.length === 0) {
      this.stats.confirmed++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      let open = queues.length + taps.length;
      const settled = () => {
        if (--open > 0) return;
        this.#underWay.delete(reject);
        this.stats.confirmed++;
        resolve();
      };
      this.#underWay.add(reject);
      for (const queue of queues) queue.put(jsonCopy(message) as Envelope, false, settled);
      for (const tap of taps) tap.add({ message, applied, settle: settled });
    });
  }

  async consumeMailboxes(
    spec: MailboxSpec,
    handlers: MailboxHandlers,
    { prefetch = MAILBOX_PREFETCH }: { prefetch?: number } = {},
  ): Promise<MailboxConsumption> {
    await this.#ensure({ mailboxes: [spec], workers: [], taps: [] });
    const held = new Set<number>();
    const subscribe = (partition: number): LocalConsumer => {
      const queue = this.#queue(mailboxName(spec.actor, partition));
      const consumer = new LocalConsumer(prefetch, (entry, on) => {
        held.add(partition);
        this.#count(entry);
        const message = received(() => entry.message, spec.receives);
        if (message instanceof Error) void this.#deadLetter(queue, entry, on, message, 1);
        else dispatch(handlers, this.#delivery(queue, entry, on, message, partition), this.#log);
      });
      queue.add(consumer);
      return consumer;
    };
    const leave = (partition: number, consumer: LocalConsumer): void => {
      held.delete(partition);
      if (this.#queue(mailboxName(spec.actor, partition)).leave(consumer) > 0) handlers.onLost(partition);
    };
    const consumers = Array.from({ length: spec.partitions }, (_, partition) => subscribe(partition));
    const consumption: MailboxConsumption = {
      held,
      handOver: async (partition, drain) => {
        const consumer = consumers[partition];
        if (!consumer) throw new Error(`${spec.actor} has no partition ${partition}`);
        consumer.paused = true;
        try {
          await drain();
        } finally {
          leave(partition, consumer);
          consumers[partition] = subscribe(partition);
        }
      },
      stop: async (drain) => {
        for (const consumer of consumers) consumer.paused = true;
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
          for (const [partition, consumer] of consumers.entries()) leave(partition, consumer);
        }
      },
    };
    this.#open.add(consumption);
    return consumption;
  }

  async consumeWorker(
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
    { prefetch = WORKER_PREFETCH }: { prefetch?: number } = {},
  ): Promise<Consumption> {
    await this.#ensure({ mailboxes: [], workers: [spec], taps: [] });
    const queue = this.#queue(workerName(spec.service, spec.worker));
    const running = new Set<Promise<void>>();
    const consumer = new LocalConsumer(prefetch, (entry, on) => {
      this.#count(entry);
      const run = this.#work(queue, entry, on, spec, handle).finally(() => running.delete(run));
      running.add(run);
    });
    queue.add(consumer);
    const consumption: Consumption = {
      stop: async (drain) => {
        consumer.paused = true;
        consumer.abandon();
        // One that waits for the receiver of its answer, which has stopped too, would wait for ever.
        await within(this.#drainMs, Promise.all(running));
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
          queue.leave(consumer);
        }
      },
    };
    this.#open.add(consumption);
    return consumption;
  }

  async consumeTap(spec: TapSpec, handle: (batch: readonly Tapped[]) => Promise<void>): Promise<Consumption> {
    await this.#ensure({ mailboxes: [], workers: [], taps: [spec] });
    const tap = this.#tap(spec);
    tap.attach(handle);
    const consumption: Consumption = {
      stop: async (drain) => {
        await within(this.#drainMs, tap.detach());
        try {
          await drain();
        } finally {
          this.#open.delete(consumption);
        }
      },
    };
    this.#open.add(consumption);
    return consumption;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    clearInterval(this.#poll);
    await Promise.all([...this.#open].map((it) => it.stop(async () => undefined)));
    this.#closed = true;
    await this.#polling;
    for (const reject of this.#underWay) reject(new BusUnavailableError("the bus is closed"));
    this.#underWay.clear();
  }

  /**
   * One pass of the event loop delivers everything that became ready in the pass before. This needs no timer per
   * message.
   */
  readonly #onReady = (queue: LocalQueue): void => {
    queue.scheduled = true;
    if (this.#ready.push(queue) === 1) setImmediate(this.#deliver);
  };

  readonly #deliver = (): void => {
    const ready = this.#ready;
    this.#ready = [];
    for (const queue of ready) {
      queue.scheduled = false;
      queue.deliver();
    }
  };

  /** @throws {UnroutableError} where a message that needs a receiver has none */
  #receivers(message: Envelope): readonly LocalQueue[] {
    const { partition, mandatory } = this.#routes.route(message);
    if (!mandatory) return [];
    const type = presentType(message.type);
    const workers = this.#workers.get(type) ?? [];
    const mailboxes = this.#mailboxes.get(type) ?? [];
    const queues = [...mailboxes.map((it) => it[partition]!), ...workers];
    if (queues.length > 0) return queues;
    this.stats.returned++;
    this.#limitedLog.warn("returned", `no queue takes ${message.type}`, { id: message.id });
    throw new UnroutableError(`no queue takes ${message.type}`);
  }

  #tapsOf(isEvent: boolean): readonly Gathering[] {
    return this.#routes.tapsOf(isEvent).map((it) => this.#tap(it));
  }

  #tap(spec: TapSpec): Gathering {
    const tap = this.#taps.get(tapName(spec));
    if (!tap) throw new Error(`queue ${tapName(spec)} is not declared`);
    return tap;
  }

  #bind(): void {
    const { mailboxes, workers } = this.#routes.declared;
    this.#mailboxes.clear();
    this.#workers.clear();
    for (const { actor, partitions, receives } of mailboxes) {
      // An actor to which only actions apply messages has no mailboxes.
      if (receives.length === 0) continue;
      const queues = Array.from({ length: partitions }, (_, partition) =>
        this.#queue(mailboxName(actor, partition)),
      );
      for (const type of receives) this.#mailboxes.set(type, [...(this.#mailboxes.get(type) ?? []), queues]);
    }
    for (const { service, worker, receives } of workers) {
      const queue = this.#queue(workerName(service, worker));
      for (const type of receives) this.#workers.set(type, [...(this.#workers.get(type) ?? []), queue]);
    }
  }

  #queue(name: string): LocalQueue {
    const queue = this.#queues.get(name);
    if (!queue) throw new Error(`queue ${name} is not declared`);
    return queue;
  }

  async #ensure(topology: Topology): Promise<void> {
    if (this.#closed) throw new BusUnavailableError("the bus is closed");
    const isThere = (name: string) => this.#queues.has(name) || this.#taps.has(name);
    if (queuesOf(topology).some(({ name }) => !isThere(name))) await this.declare(topology);
  }

  #count(entry: Entry): void {
    this.stats.delivered++;
    if (entry.redelivered) this.stats.redelivered++;
  }

  #delivery(
    queue: LocalQueue,
    entry: Entry,
    consumer: LocalConsumer,
    message: Envelope,
    partition: number,
  ): Delivery {
    let settled = false;
    return {
      message,
      partition,
      redelivered: entry.redelivered,
      ack: () => {
        settled = true;
        queue.settle(entry, consumer);
      },
      dead: async (error, attempts) => {
        if (settled) return;
        settled = true;
        await this.#deadLetter(queue, entry, consumer, error, attempts);
      },
    };
  }

  async #work(
    queue: LocalQueue,
    entry: Entry,
    consumer: LocalConsumer,
    spec: WorkerSpec,
    handle: (message: Envelope) => Promise<void>,
  ): Promise<void> {
    const message = received(() => entry.message, spec.receives);
    if (message instanceof Error) return this.#deadLetter(queue, entry, consumer, message, 1);
    const outcome = await attemptWork(queue.name, message, handle, consumer.over, this.#limitedLog);
    if (outcome.kind === "done") queue.settle(entry, consumer);
    else if (outcome.kind === "dead")
      await this.#deadLetter(queue, entry, consumer, outcome.error, outcome.attempts);
  }

  /** Moves a message to the dead letters, then off the queue. Repeats until it works or the consumer has left. */
  async #deadLetter(
    queue: LocalQueue,
    entry: Entry,
    consumer: LocalConsumer,
    cause: Error,
    attempts: number,
  ): Promise<void> {
    const { message } = entry;
    for (let tries = 1; ; tries++) {
      try {
        await this.#deadLetters.add({
          id: letterId(queue.name, message.id),
          queue: queue.name,
          message,
          error: describeFailure(cause),
          attempts,
          at: new Date(this.#clock.now()),
        });
        this.stats.dead++;
        this.#log.error(`${queue.name}: message moved to the dead letters`, {
          id: message.id,
          attempts,
          error: cause.message,
        });
        queue.settle(entry, consumer, true);
        return;
      } catch (error) {
        this.#limitedLog.warn("dead-letter", `${queue.name}: the dead letters do not take a message yet`, {
          error: toError(error).message,
        });
        await pause(backoff(tries), consumer.over);
        if (consumer.over.aborted) return;
      }
    }
  }

  /** A letter that fails again has replaced itself. A letter that can't be dropped is replayed again. */
  async #replayed({ id, queue, message }: DeadLetter, deadLettered: boolean): Promise<void> {
    try {
      if (!deadLettered) await this.#deadLetters.drop(queue, [message.id]);
    } catch (error) {
      this.#limitedLog.warn("replay", `can't drop a replayed dead letter: ${toError(error).message}`, { id });
    } finally {
      this.#replaying.delete(id);
    }
  }

  /** Delivers letters whose replay was requested. Each is dropped when its queue has settled it. */
  async #replay(): Promise<void> {
    if (this.#closed) return;
    try {
      for (const letter of await this.#deadLetters.requested(REPLAY_BATCH)) {
        const queue = this.#queues.get(letter.queue);
        if (!queue || this.#replaying.has(letter.id)) continue;
        this.#replaying.add(letter.id);
        queue.put(letter.message, true, (deadLettered) => void this.#replayed(letter, deadLettered));
      }
    } catch (error) {
      this.#limitedLog.warn("replay", `can't read the dead letters: ${toError(error).message}`);
    }
  }
}
