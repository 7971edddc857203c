/** Hosts the actors of one type on one node. It connects the parts of the runtime. Services use only this. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service, ServiceBroker } from "moleculer";
import type { Model } from "mongoose";
import type { Bus, MailboxConsumption } from "../../bus/bus.ts";
import { partitionOf } from "../../bus/topology.ts";
import type { DataIn, MessageType } from "../../contract/contract.ts";
import { type Envelope, envelope } from "../../contract/envelope.ts";
import { SoukError } from "../../contract/errors.ts";
import { derivedId } from "../../contract/ids.ts";
import { parseReceived } from "../../contract/tolerant.ts";
import { collectionOf } from "../../mongo/documents.ts";
import { ReadGroup } from "../../mongo/read-group.ts";
import type { Clock } from "../../resilience/clock.ts";
import { within } from "../../resilience/deadline.ts";
import type { Log } from "../../resilience/log.ts";
import { RateLimitedLog } from "../../resilience/rate-limited-log.ts";
import type { ActorDefinition } from "../define-actor.ts";
import type { CrashPoints } from "./crash-points.ts";
import type {
  ActorDocument,
  ActorHost,
  ActorStats,
  ApplyOptions,
  Snapshot,
} from "./document/actor-host.types.ts";
import { inboxArchiveOf } from "./document/actor-model.ts";
import { ActorStore } from "./document/actor-store.ts";
import { type ArchivedSenders, InboxArchive } from "./document/inbox-archive.ts";
import { gauges } from "./gauges.ts";
import { Inline, unavailable } from "./mailboxes/inline.ts";
import { Mailbox } from "./mailboxes/mailbox.ts";
import { PartitionOwners } from "./mailboxes/partition-owner.ts";
import { Processor } from "./mailboxes/processor.ts";
import { ActorQueues } from "./mailboxes/queues.ts";
import { announcePlaces, nodesOf, offerRemote } from "./mailboxes/remote.ts";
import { Timers } from "./mailboxes/timers.ts";
import { Relay } from "./outbox/relay.ts";
import { Sweeper } from "./outbox/sweeper.ts";
import { defaultTuning, type Tuning } from "./tuning.ts";
import { VersionWaiters } from "./version-waiters.ts";

/** What it needs from its node. */
export interface ActorRuntime {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly config: { readonly NODE_ENV: string };
  logger(module: string): Log;
}

export interface ActorHostOptions<S extends object, T extends MessageType> {
  definition: ActorDefinition<S, T>;
  model: Model<ActorDocument<S>>;
  runtime: ActorRuntime;
  broker: ServiceBroker;
  /** Whether no other node writes these actors. Then this node's memory is exact. */
  isSoleWriter?: boolean;
  tuning?: Partial<Tuning>;
  /** Only for tests: called at each crash point. */
  crashPoints?: CrashPoints;
}

export function createActorHost<S extends object, T extends MessageType>(
  options: ActorHostOptions<S, T>,
): ActorHost<S, T> {
  return new Host(options);
}

/** A stop stops waiting for confirms after this time without one. Milliseconds. */
const STALLED_MS = 300;

class Host<S extends object, T extends MessageType> implements ActorHost<S, T> {
  readonly stats: ActorStats = {
    received: 0,
    applied: 0,
    repeated: 0,
    commits: 0,
    conflicts: 0,
    refused: 0,
    dead: 0,
    published: 0,
    republished: 0,
    unroutable: 0,
  };
  readonly #options: ActorHostOptions<S, T>;
  readonly #tuning: Tuning;
  readonly #partitions: number;
  /** Identifies this start of this node. Outbox entries of an earlier start are not being published by this one. */
  readonly #incarnation: string;
  readonly #limitedLog: RateLimitedLog;
  readonly #processor: Processor<S, T>;
  readonly #queues: ActorQueues;
  readonly #relay: Relay;
  readonly #mailbox: Mailbox;
  readonly #owners: PartitionOwners;
  readonly #sweeper: Sweeper;
  readonly #timers: Timers;
  readonly #inline: Inline<S>;
  readonly #watch: VersionWaiters<S>;
  readonly #reads: ReadGroup<ActorDocument<S>>;
  #commits = 0;
  #consumption: MailboxConsumption | undefined;
  #service: Service | undefined;
  #stopGauges: () => void = () => undefined;
  #stopped = false;

  constructor(options: ActorHostOptions<S, T>) {
    this.#options = options;
    const { definition, model, runtime, broker, crashPoints } = options;
    const { clock, bus } = runtime;
    const { type, service } = definition;
    const { stats } = this;
    const tuning = { ...defaultTuning, ...options.tuning };
    const collection = collectionOf(model);
    const partitions = options.definition.partitions;
    const partition = (actor: string) => partitionOf(actor, partitions);
    this.#tuning = tuning;
    this.#partitions = partitions;
    this.#incarnation = `${broker.nodeID}:${randomBytes(6).toString("base64url")}`;
    this.#limitedLog = new RateLimitedLog(runtime.logger(`actor.${type}`), clock);

    this.#reads = new ReadGroup<ActorDocument<S>>(collection, { version: 1, state: 1 }, tuning.storeMs);
    const store = new ActorStore<S>(collection, definition.maps, tuning.storeMs);
    const archive = model.db.collection<ArchivedSenders>(inboxArchiveOf(collection.name));
    this.#processor = new Processor({
      definition,
      store,
      archive: new InboxArchive(archive, tuning.storeMs),
      stats,
      tuning,
      crashPoints,
      foldOptions: (id) => this.#foldOptions(id),
      onCommit: (document) => {
        this.#timers.committed(document);
        if (this.#watch.has(document._id))
          this.#watch.seen({ id: document._id, version: document.version, state: document.state });
      },
    });
    this.#queues = new ActorQueues({
      work: (actor, batch) => this.#processor.work(actor, batch),
      outbox: (actor) => this.#outbox(actor),
      timeoutMs: tuning.outboxWaitMs,
      busy: () => store.committing,
      onTrouble: (error, actor) => this.#warn("a batch waits", error, { actor }),
    });
    this.#relay = new Relay({
      bus,
      clock,
      by: this.#incarnation,
      tuning,
      stats,
      crashPoints,
      pull: async (pulls) => {
        await store.pull(pulls);
        for (const { actor, entries } of pulls) {
          // A commit in progress may have read them. It, or the next pull, removes them again.
          if (this.#queues.isBusy(actor)) this.#relay.touch(actor);
          else {
            this.#processor.pulled(actor, entries);
            this.#relay.left(actor, entries);
          }
        }
      },
      isBusy: (actor) => this.#queues.isBusy(actor),
      onRoom: (actor) => this.#queues.onRoom(actor),
      onTrouble: (what, error, fields) => this.#warn(`${what}: a message stays in the outbox`, error, fields),
    });
    this.#processor.relay = this.#relay;
    this.#mailbox = new Mailbox({
      queues: this.#queues,
      bus,
      stats,
      onDelivered: (partition) => this.#owners.delivered(partition),
      onQueuedUp: (partition) => this.#owners.entered(partition),
      onTrouble: (what, error, { type, id, subject }) =>
        this.#warn(`a message fails: ${what}`, error, { type, id, subject }),
    });
    this.#owners = new PartitionOwners({
      actor: type,
      partitions,
      nodeId: broker.nodeID,
      nodes: () => nodesOf(broker, type),
      settleMs: tuning.settleMs,
      againMs: tuning.againMs,
      consumption: () => this.#consumption,
      announce: (places) => this.#service && announcePlaces(broker, this.#service, places),
      handOver: (p) => this.#handOver(p),
      onTrouble: (error, p) => this.#warn("a partition could not be handed over", error, { partition: p }),
    });
    this.#inline = new Inline({
      type,
      state: definition.state,
      broker,
      bus,
      queues: this.#queues,
      owners: this.#owners,
      remoteMs: tuning.remoteMs,
      inlineMs: tuning.inlineMs,
      partitionOf: partition,
      onFallback: (error, fields) =>
        this.#warn("an inline message is applied here, not at its owner", error, fields),
    });
    this.#sweeper = new Sweeper({
      collection,
      relay: this.#relay,
      clock,
      everyMs: tuning.sweepEveryMs,
      afterMs: tuning.sweepAfterMs,
      isBusUp: () => bus.state === "connected",
      onTrouble: (error) => this.#warn("a sweep failed", error, {}),
    });
    this.#timers = new Timers({
      type,
      service,
      clock,
      collection,
      queues: this.#queues,
      everyMs: tuning.timersEveryMs,
      partitionOf: partition,
      isMine: (p) => this.#owners.isMine(p),
      onTrouble: (what, error, fields) => this.#warn(`timers: ${what} failed`, error, fields),
    });
    this.#watch = new VersionWaiters({
      pollMs: tuning.pollMs,
      limit: tuning.waiters,
      readMany: (ids) => this.readMany(ids),
      onError: (error) => this.#warn("looking for new versions failed", error, {}),
    });
  }

  get documents(): Model<ActorDocument<S>> {
    return this.#options.model;
  }

  get partitions(): ReadonlySet<number> {
    return this.#consumption?.held ?? new Set();
  }

  async apply<K extends T>(
    id: string,
    type: K,
    data: DataIn<K>,
    options: ApplyOptions = {},
  ): Promise<Snapshot<S>> {
    const { definition, runtime } = this.#options;
    const message = envelope(type, id, data, {
      source: `/${definition.service}`,
      at: runtime.clock.now(),
      ...options,
    });
    const applied = await this.#inline.apply(message);
    if (applied.kind === "applied") return applied.snapshot;
    if (applied.kind === "refused") throw new SoukError(applied.refusal.code, applied.refusal.detail);
    throw new SoukError("NOT_FOUND");
  }

  async read(id: string): Promise<Snapshot<S> | null> {
    const [found] = await this.readMany([id]);
    return found ?? null;
  }

  async readMany(ids: readonly string[]): Promise<Snapshot<S>[]> {
    try {
      const known = ids.flatMap((it) => this.inMemory(it) ?? []);
      if (known.length === ids.length) return known;
      // Thousands may be asked for at once, by callers that wait.
      const inMemory = new Set(known.map((it) => it.id));
      const found = await this.#reads.getMany(ids.filter((id) => !inMemory.has(id)));
      const read = found.map(({ _id, version, state }) => ({
        id: _id,
        version,
        state: parseReceived(this.#options.definition.state, state, `the stored state of ${_id}`),
      }));
      return [...known, ...read];
    } catch (error) {
      throw unavailable(error);
    }
  }

  inMemory(id: string): Snapshot<S> | undefined {
    return this.#options.isSoleWriter ? this.#processor.remembered(id) : undefined;
  }

  async next(
    id: string,
    after: number,
    waitMs: number,
    until?: (state: S) => boolean,
  ): Promise<Snapshot<S> | null> {
    const isIt = (it: Snapshot<S> | null | undefined) =>
      it && it.version > after && (until?.(it.state) ?? true) ? it : null;
    const remembered = isIt(this.#processor.remembered(id));
    if (remembered) return remembered;
    if (waitMs <= 0) return isIt(await this.read(id));
    const waiting = this.#watch.next(id, after, waitMs, until);
    // Reads after the waiter is registered, so that no later commit is missed. If the actor is in memory, its
    // commits are usually made here. Those of another node are found by polling.
    if (!this.#processor.remembered(id))
      this.read(id).then(
        (it) => it && this.#watch.seen(it),
        (error) => this.#warn("reading for a waiter failed", error, { actor: id }),
      );
    return waiting;
  }

  async start(): Promise<void> {
    const { definition, runtime, broker } = this.#options;
    const { type } = definition;
    if (definition.mailbox.length > 0)
      this.#consumption = await runtime.bus.consumeMailboxes(
        { actor: type, partitions: this.#partitions, receives: definition.mailbox },
        this.#mailbox,
        { prefetch: this.#tuning.prefetch },
      );
    this.#sweeper.start();
    this.#timers.start();
    this.#stopGauges = gauges(broker, { actor: type }, [
      ["souk.actor.waiting", "Messages that wait for their actor", () => this.#queues.waiting],
      ["souk.actor.sending", "Outbox entries that are being published", () => this.#relay.underWay],
      ["souk.actor.backlog", "Outbox entries that wait to be published", () => this.#relay.waiting],
      ["souk.actor.partitions", "Partitions whose messages come here", () => this.partitions.size],
    ]);
    this.#service = offerRemote(
      broker,
      type,
      (message) => this.#inline.applyHere(message),
      () => this.#owners.changed(),
      this.#owners.takePlaces(),
    );
    this.#owners.changed();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopGauges();
    const { broker } = this.#options;
    const { stopMs } = this.#tuning;
    await this.#owners.stop(stopMs);
    if (this.#service) await broker.destroyService(this.#service);
    await Promise.all([this.#sweeper.stop(), this.#timers.stop()]);
    const all = Array.from({ length: this.#partitions }, (_, p) => p);
    const drain = async () => {
      await Promise.all(all.map((p) => this.#mailbox.drain(p, stopMs)));
    };
    await this.#consumption?.stop(drain);
    for (const p of all) this.#mailbox.resume(p);
    this.#inline.close();
    await within(stopMs, this.#queues.drained());
    await within(stopMs, this.#confirmAll());
    this.#watch.close();
    this.#relay.close();
    this.#mailbox.close();
    this.#queues.close();
  }

  async #handOver(partition: number): Promise<void> {
    try {
      await this.#consumption?.handOver(partition, () => this.#mailbox.drain(partition, this.#tuning.stopMs));
    } finally {
      this.#mailbox.resume(partition);
    }
  }

  /** Waits for confirms as long as they keep arriving. Receivers that have stopped too never confirm. */
  async #confirmAll(): Promise<void> {
    let best = Number.POSITIVE_INFINITY;
    let since = performance.now();
    while (this.#relay.underWay > 0 && performance.now() - since < STALLED_MS) {
      if (this.#relay.underWay < best) since = performance.now();
      best = Math.min(best, this.#relay.underWay);
      await sleep(10);
    }
    await this.#relay.flush();
  }

  #foldOptions(id: string) {
    const { definition, runtime } = this.#options;
    return {
      definition,
      id,
      at: runtime.clock.now(),
      by: this.#incarnation,
      commit: `${this.#incarnation}:${(this.#commits++).toString(36)}`,
      strict: runtime.config.NODE_ENV === "test",
      recordApplied: runtime.bus.recordsApplied,
      answerId: (message: Envelope, index: number) => derivedId(message.id, definition.type, index),
    };
  }

  #outbox(actor: string): "room" | "full" | "stop" {
    const size = this.#processor.outboxSize(actor);
    if (size <= this.#tuning.outboxLimit) return "room";
    const open = size - this.#relay.confirmed(actor).size;
    if (open > this.#tuning.outboxMax) return "stop";
    return open > this.#tuning.outboxLimit ? "full" : "room";
  }

  #warn(what: string, error: unknown, fields: Record<string, unknown>): void {
    const { type } = this.#options.definition;
    this.#limitedLog.warn(what, `${type}: ${what}`, {
      ...fields,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}
