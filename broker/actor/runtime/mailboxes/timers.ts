/**
 * Durable timers. They are part of the actor's document, so this file only notices that one is due. A due timer
 * becomes a message to the actor. It counts only while the actor still has that timer, and its commit removes the
 * timer.
 */

import { messageContract, presentType } from "../../../contract/contract.ts";
import type { Envelope } from "../../../contract/envelope.ts";
import { derivedId } from "../../../contract/ids.ts";
import { parseReceived } from "../../../contract/tolerant.ts";
import type { Clock } from "../../../resilience/clock.ts";
import { Loop } from "../../../resilience/loop.ts";
import { backoff, toError } from "../../../resilience/retry.ts";
import type { LoadedActor, TimerEntry } from "../document/actor-host.types.ts";
import type { ActorCollection } from "../document/actor-model.ts";
import type { Outcome } from "../document/fold.ts";
import type { ActorQueues, Job } from "./queues.ts";

/** Maximum number of due timers in progress. The next check finds more. */
const MAX_PENDING = 1_000;
/** Age at which a node fires the timers of an actor that another node owns. Milliseconds. */
const OTHERS_AFTER_MS = 2_000;
const RETRY_CAP_MS = 60_000;

export interface TimersOptions {
  type: string;
  service: string;
  clock: Clock;
  collection: ActorCollection;
  queues: ActorQueues;
  everyMs: number;
  partitionOf(actor: string): number;
  /** Whether this node should fire the partition's timers first. */
  isMine(partition: number): boolean;
  onTrouble(what: "look" | "fire", error: Error, fields: Record<string, unknown>): void;
}

export class Timers {
  readonly #options: TimersOptions;
  readonly #loop: Loop;
  /** Timers that are queued, or wait after a failure. */
  readonly #pending = new Set<string>();
  readonly #wakes = new Set<NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();

  constructor(options: TimersOptions) {
    this.#options = options;
    this.#loop = new Loop(
      options.everyMs,
      () => this.#look(),
      (error) => options.onTrouble("look", error, {}),
    );
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    for (const timer of this.#wakes) clearTimeout(timer);
    this.#wakes.clear();
    await this.#loop.stop();
  }

  /** An actor was committed here. Timers that are due before the next check fire on time. */
  committed({ _id: actor, timers }: LoadedActor<object>): void {
    if (timers.length === 0 || !this.#loop.isRunning) return;
    const { clock, everyMs } = this.#options;
    for (const timer of timers) {
      const left = timer.due.getTime() - clock.now();
      if (left <= everyMs && !this.#pending.has(this.#key(actor, timer)))
        this.#later(left, () => this.#fire(actor, timer));
    }
  }

  #key(actor: string, { id, due }: TimerEntry): string {
    return `${actor}\u0000${id}\u0000${due.getTime()}`;
  }

  #later(ms: number, action: () => void): void {
    const wake = setTimeout(
      () => {
        this.#wakes.delete(wake);
        action();
      },
      Math.max(0, ms),
    );
    this.#wakes.add(wake);
  }

  async #look(): Promise<void> {
    const { clock, collection, partitionOf, isMine } = this.#options;
    const now = clock.now();
    const due = { "timers.due": { $lte: new Date(now) } };
    const cursor = collection.find(due, { projection: { timers: 1 }, batchSize: 200 });
    for await (const { _id: actor, timers } of cursor) {
      if (this.#pending.size >= MAX_PENDING) break;
      const from = isMine(partitionOf(actor)) ? now : now - OTHERS_AFTER_MS;
      for (const timer of timers) if (timer.due.getTime() <= from) this.#fire(actor, timer);
    }
  }

  #fire(actor: string, timer: TimerEntry): void {
    const { clock, queues, partitionOf } = this.#options;
    const key = this.#key(actor, timer);
    if (this.#pending.has(key) || timer.due.getTime() > clock.now()) return;
    this.#pending.add(key);
    const settle = (outcome: Outcome) => {
      if (outcome.kind !== "failed") {
        this.#failures.delete(key);
        this.#pending.delete(key);
      } else this.#failed(actor, timer, key, outcome.error);
    };
    let message: Envelope;
    try {
      message = this.#message(actor, timer);
    } catch (error) {
      // A newer node's timer. Such a node fires it, or this node does after its upgrade.
      this.#failed(actor, timer, key, error);
      return;
    }
    const job: Job = {
      message,
      timer: { id: timer.id, due: timer.due.getTime() },
      partition: partitionOf(actor),
      mailed: false,
      isWanted: () => this.#loop.isRunning,
      settle,
    };
    queues.add(job);
  }

  /** It stays in the document and is tried for ever with growing pauses, because timers have no dead queue. */
  #failed(actor: string, timer: TimerEntry, key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.onTrouble("fire", toError(error), { actor, timer: timer.id, type: timer.type, failures });
    this.#later(backoff(failures, RETRY_CAP_MS), () => {
      this.#pending.delete(key);
      this.#fire(actor, timer);
    });
  }

  #message(actor: string, { id, due, type: stored, data, cause }: TimerEntry): Envelope {
    const type = presentType(stored);
    const { service, type: actorType } = this.#options;
    const message: Envelope = {
      specversion: "1.0",
      id: derivedId("timer", actorType, actor, id, due.getTime()),
      source: `/${service}`,
      type,
      subject: actor,
      time: due.toISOString(),
      datacontenttype: "application/json",
      data: parseReceived(messageContract(type).data, data, type),
      correlationid: cause?.correlationid ?? cause?.id ?? actor,
    };
    if (cause) message.causationid = cause.id;
    if (cause?.traceparent) message.traceparent = cause.traceparent;
    return message;
  }
}
