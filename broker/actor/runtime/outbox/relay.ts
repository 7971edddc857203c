/**
 * Publishes actors' outboxes after their commits. Many publishes are in flight at once, in order per receiver, until
 * the bus confirms them. The relay holds only entries that are also in a document's outbox. So it may drop them. The
 * actor's next commit, a load, or the sweep brings them back.
 */
import { type Bus, UnroutableError } from "../../../bus/bus.ts";
import type { Clock } from "../../../resilience/clock.ts";
import { backoff, toError } from "../../../resilience/retry.ts";
import type { CrashPoints } from "../crash-points.ts";
import type { ActorStats, OutboxEntry } from "../document/actor-host.types.ts";
import type { Pull } from "../document/actor-store.ts";
import type { Tuning } from "../tuning.ts";
import { OutboxLane } from "./outbox-lane.ts";

/** Longest wait before the next try, in milliseconds. */
const AWAY_CAP_MS = 2_000;
const UNROUTABLE_CAP_MS = 30_000;

export interface RelayOptions {
  bus: Pick<Bus, "publish" | "record">;
  clock: Clock;
  /** This start of this node. */
  by: string;
  tuning: Tuning;
  stats: ActorStats;
  crashPoints: CrashPoints | undefined;
  /** Removes confirmed entries from the documents of idle actors. */
  pull(pulls: readonly Pull[]): Promise<void>;
  /** Whether a commit of the actor is running. Its confirmed entries leave with it or with the next one. */
  isBusy(actor: string): boolean;
  /** A confirm has shortened the actor's outbox. */
  onRoom(actor: string): void;
  /** Called once per failure. The log limits the rate. */
  onTrouble(what: "unroutable" | "nacked" | "pull", error: Error, fields: Record<string, unknown>): void;
}

const NONE: ReadonlySet<string> = new Set();

export class Relay {
  readonly #options: RelayOptions;
  readonly #lanes = new Map<string, OutboxLane>();
  #backlog: OutboxLane[] = [];
  #flying = 0;
  #held = 0;
  #touched = new Set<string>();
  #resting = new Set<string>();
  #pulls: NodeJS.Timeout | undefined;
  #pulling = 0;
  #closed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Confirmed ids that are, as far as is known, still in the actor's document. */
  confirmed(actor: string): ReadonlySet<string> {
    return this.#lanes.get(actor)?.confirmed ?? NONE;
  }

  /** Entries that wait for room or for their next try. */
  get waiting(): number {
    return this.#held;
  }

  /** Number of publishes and pulls in flight, without messages that wait for their next try. */
  get underWay(): number {
    return this.#flying + this.#pulling;
  }

  /** Takes the outbox as just committed or read. Publishes what is not in flight yet, older entries first. */
  offer(actor: string, outbox: readonly OutboxEntry[], again: boolean): void {
    if (outbox.length === 0 || this.#closed) return;
    let lane = this.#lanes.get(actor);
    const due = this.#due(outbox, lane);
    if (due.length === 0) return;
    if (!lane) {
      lane = new OutboxLane(actor);
      this.#lanes.set(actor, lane);
    }
    if (again) this.#options.stats.republished += due.length;
    let left: Set<string> | undefined;
    for (const entry of due) {
      const { subject } = entry.message;
      const mustWait = lane.isBlocked(subject);
      if (!mustWait && !left?.has(subject) && this.#flying < this.#options.tuning.window)
        this.#publish(lane, entry);
      else if (!left?.has(subject) && this.#held < this.#options.tuning.backlog) this.#queue(lane, entry);
      else {
        left ??= new Set();
        left.add(subject);
      }
    }
    this.#dropIfEmpty(lane);
  }

  /** Whether everything in the outbox is in flight or confirmed. */
  knows(actor: string, outbox: readonly OutboxEntry[]): boolean {
    const lane = this.#lanes.get(actor);
    return lane !== undefined && outbox.every((it) => lane.has(it.id));
  }

  /** Whether more can be published at once. */
  get hasRoom(): boolean {
    return this.#flying < this.#options.tuning.window;
  }

  /** These entries are no longer in the actor's document. */
  left(actor: string, entries: Iterable<string>): void {
    const lane = this.#lanes.get(actor);
    if (!lane) return;
    for (const id of entries) lane.confirmed.delete(id);
    this.#dropIfEmpty(lane);
  }

  /** The actor has just had work. Its confirmed entries may soon leave with a commit. */
  touch(actor: string): void {
    const lane = this.#lanes.get(actor);
    if (!lane || lane.confirmed.size === 0) return;
    this.#resting.delete(actor);
    this.#touched.add(actor);
    this.#schedulePulls();
  }

  /** Pulls all confirmed entries at once, for a stop. */
  async flush(): Promise<void> {
    clearTimeout(this.#pulls);
    await this.#pull([...this.#lanes.values()].filter((it) => it.confirmed.size > 0));
  }

  /** Stops publishing and pulling. Confirms of what is in flight still count. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#pulls);
    for (const lane of this.#lanes.values()) clearTimeout(lane.retry);
  }

  /**
   * Entries to publish. Young ones of another node are left to it. The exception is an entry of this node, newer and
   * to the same receiver. Then the older one must go first, even if it is sent twice.
   */
  #due(outbox: readonly OutboxEntry[], lane: OutboxLane | undefined): readonly OutboxEntry[] {
    const { by, clock, tuning } = this.#options;
    const unknown = lane ? outbox.filter((it) => !lane.has(it.id)) : outbox;
    const young = clock.now() - tuning.sweepAfterMs;
    const isLeft = (it: OutboxEntry) => it.by !== by && it.at > young;
    if (!unknown.some(isLeft)) return unknown;
    const mine = new Map<string, number>();
    for (const [i, it] of unknown.entries()) if (!isLeft(it)) mine.set(it.message.subject, i);
    return unknown.filter((it, i) => !isLeft(it) || (mine.get(it.message.subject) ?? -1) > i);
  }

  #publish(lane: OutboxLane, entry: OutboxEntry): void {
    const { bus, stats, crashPoints } = this.#options;
    lane.flight.set(entry.id, entry);
    this.#flying++;
    stats.published++;
    const published = entry.applied ? bus.record(entry.message) : bus.publish(entry.message);
    if (!crashPoints) {
      published.then(
        () => this.#confirmed(lane, entry),
        (error) => this.#failed(lane, entry, error),
      );
      return;
    }
    const hooked = async () => {
      await crashPoints("after-publish", lane.id);
      await published;
      await crashPoints("after-confirm", lane.id);
    };
    hooked().then(
      () => this.#confirmed(lane, entry),
      (error) => this.#failed(lane, entry, error),
    );
  }

  #confirmed(lane: OutboxLane, entry: OutboxEntry): void {
    lane.flight.delete(entry.id);
    this.#flying--;
    lane.failures = 0;
    lane.confirmed.add(entry.id);
    this.#resting.delete(lane.id);
    this.#touched.add(lane.id);
    this.#schedulePulls();
    this.#options.onRoom(lane.id);
    if (this.#backlog.length > 0) this.#pump();
  }

  #failed(lane: OutboxLane, entry: OutboxEntry, thrown: unknown): void {
    lane.flight.delete(entry.id);
    this.#flying--;
    const error = toError(thrown);
    const unroutable = error instanceof UnroutableError;
    if (unroutable) this.#options.stats.unroutable++;
    const { type, subject } = entry.message;
    this.#options.onTrouble(unroutable ? "unroutable" : "nacked", error, { actor: lane.id, type, subject });
    // Beyond the limit it is dropped here. The sweep finds it in its document.
    if (this.#held < this.#options.tuning.backlog) this.#hold(lane, entry);
    if (lane.held > 0 && !lane.retry && !this.#closed) {
      const delay = backoff(++lane.failures, unroutable ? UNROUTABLE_CAP_MS : AWAY_CAP_MS);
      lane.retry = setTimeout(() => {
        lane.retry = undefined;
        this.#release(lane);
      }, delay);
    }
    this.#dropIfEmpty(lane);
    if (this.#backlog.length > 0) this.#pump();
  }

  #hold(lane: OutboxLane, entry: OutboxEntry): void {
    this.#held++;
    lane.hold(entry);
  }

  #queue(lane: OutboxLane, entry: OutboxEntry): void {
    this.#hold(lane, entry);
    if (lane.queued || lane.retry) return;
    lane.queued = true;
    this.#backlog.push(lane);
  }

  /** Publishes the lane's waiting entries, as far as the window allows. */
  #release(lane: OutboxLane): void {
    while (this.#flying < this.#options.tuning.window && !this.#closed) {
      const entry = lane.release();
      if (!entry) return;
      this.#held--;
      this.#publish(lane, entry);
    }
    if (lane.held > 0 && !lane.queued) {
      lane.queued = true;
      this.#backlog.push(lane);
    }
  }

  #pump(): void {
    while (this.#backlog.length > 0 && this.#flying < this.#options.tuning.window && !this.#closed) {
      const lane = this.#backlog.shift();
      if (!lane) return;
      lane.queued = false;
      if (!lane.retry) this.#release(lane);
    }
  }

  #schedulePulls(): void {
    if (this.#closed) return;
    this.#pulls ??= setTimeout(() => {
      this.#pulls = undefined;
      const due = this.#resting;
      this.#resting = this.#touched;
      this.#touched = new Set();
      const atRest: OutboxLane[] = [];
      for (const actor of due) {
        const lane = this.#lanes.get(actor);
        if (!lane || lane.confirmed.size === 0) continue;
        if (this.#options.isBusy(actor)) this.#touched.add(actor);
        else atRest.push(lane);
      }
      void this.#pull(atRest);
      if (this.#resting.size > 0 || this.#touched.size > 0) this.#schedulePulls();
    }, this.#options.tuning.pullAfterMs / 2);
  }

  async #pull(lanes: readonly OutboxLane[]): Promise<void> {
    if (lanes.length === 0) return;
    this.#pulling++;
    try {
      await this.#options.pull(lanes.map(({ id, confirmed }) => ({ actor: id, entries: [...confirmed] })));
    } catch (error) {
      this.#options.onTrouble("pull", toError(error), { actors: lanes.length });
      for (const { id } of lanes) this.#touched.add(id);
      this.#schedulePulls();
    } finally {
      this.#pulling--;
    }
  }

  #dropIfEmpty(lane: OutboxLane): void {
    if (!lane.isEmpty) return;
    clearTimeout(lane.retry);
    this.#lanes.delete(lane.id);
  }
}
