/** What an actor does with a batch: load the document, fold, commit, publish. State changes only here. */

import { LRUCache } from "lru-cache";
import type { MessageType } from "../../../contract/contract.ts";
import { parseReceived, UnknownValueError, underPresentNames } from "../../../contract/tolerant.ts";
import { pauseAfterRace } from "../../../resilience/pause-after-race.ts";
import type { ActorDefinition } from "../../define-actor.ts";
import type { CrashPoints } from "../crash-points.ts";
import type { ActorStats, LoadedActor, OutboxEntry, Snapshot } from "../document/actor-host.types.ts";
import type { ActorStore } from "../document/actor-store.ts";
import { withoutConfirmed } from "../document/diff.ts";
import { type Folded, type FoldOptions, fold, isLate, isRemembered } from "../document/fold.ts";
import type { Inbox } from "../document/inbox.ts";
import type { InboxArchive } from "../document/inbox-archive.ts";
import type { Relay } from "../outbox/relay.ts";
import type { Tuning } from "../tuning.ts";
import type { Job } from "./queues.ts";

/** With this many confirmed entries behind an unconfirmed one, they are pulled before the next commit. */
const PULL_FROM = 64;

export interface ProcessorOptions<S extends object, T extends MessageType> {
  definition: ActorDefinition<S, T>;
  store: ActorStore<S>;
  archive: InboxArchive;
  stats: ActorStats;
  tuning: Tuning;
  crashPoints: CrashPoints | undefined;
  /** Options of {@link fold} that are not known here. */
  foldOptions(actor: string): FoldOptions<S, T>;
  /** Called for every commit of this node. */
  onCommit(document: LoadedActor<S>): void;
}

export class Processor<S extends object, T extends MessageType> {
  readonly #options: ProcessorOptions<S, T>;
  readonly #cache: LRUCache<string, LoadedActor<S>>;
  relay: Relay | undefined;

  constructor(options: ProcessorOptions<S, T>) {
    this.#options = options;
    this.#cache = new LRUCache({ max: options.tuning.cached });
  }

  /**
   * Handles a batch of one actor completely. Each job is settled when this resolves.
   * @throws when the document can't be read or written; then no job is settled, and the batch may be handled again
   */
  async work(actor: string, batch: readonly Job[]): Promise<void> {
    const { stats, crashPoints, store, tuning } = this.#options;
    for (let races = 0; ; races++) {
      await pauseAfterRace(races);
      const cached = this.#cache.get(actor);
      const guessed = !cached && races === 0 && this.#starts(batch);
      let document = cached ?? (guessed ? null : await this.#load(actor));
      const entries = document && this.#confirmedBehind(document);
      if (document && entries) document = await this.#withoutEntries(document, entries);
      const foldOptions = this.#options.foldOptions(actor);
      const archived = document ? await this.#archived(document, batch) : undefined;
      const folded = fold(document, batch, archived ? { ...foldOptions, archived } : foldOptions);
      if (folded.next === document || folded.next === null) {
        // Without a write, nothing proves that the document is the latest version. So it is checked.
        if (cached && (await store.isLatest(cached))) return this.#settle(actor, batch, folded);
        if (cached) this.#cache.delete(actor);
        else if (!guessed) return this.#settle(actor, batch, folded);
        continue;
      }
      let { next } = folded;
      if (document) {
        next = withoutConfirmed(document, next, this.relay?.confirmed(actor) ?? new Set());
        if (next.inbox.size > tuning.inboxSenders) next = await this.#archive(document, next, foldOptions.at);
      }
      if (crashPoints) await crashPoints("before-commit", actor);
      if (!(await this.#commit(store, document, next))) {
        stats.conflicts++;
        continue;
      }
      stats.commits++;
      if (crashPoints) await crashPoints("after-commit", actor);
      this.#committed(document, next);
      return this.#settle(actor, batch, { ...folded, next });
    }
  }

  /** Unconfirmed and confirmed entries in the outbox, where the document is in memory. */
  outboxSize(actor: string): number {
    return this.#cache.peek(actor)?.outbox.length ?? 0;
  }

  /** What this node last wrote or read, where it is in memory. Another node may have written since. */
  remembered(actor: string): Snapshot<S> | undefined {
    const document = this.#cache.peek(actor);
    return document && { id: actor, version: document.version, state: document.state };
  }

  /** Entries were pulled from the stored outbox. */
  pulled(actor: string, entries: readonly string[]): void {
    const document = this.#cache.peek(actor);
    if (document) this.#cache.set(actor, { ...document, outbox: without(document.outbox, entries) });
  }

  async #commit(
    store: ActorStore<S>,
    document: LoadedActor<S> | null,
    next: LoadedActor<S>,
  ): Promise<boolean> {
    let took = false;
    try {
      took = await store.commit(document, next);
    } finally {
      // Also after a failure, because the stored version is unknown then.
      if (!took) this.#cache.delete(next._id);
    }
    return took;
  }

  #committed(previous: LoadedActor<S> | null, next: LoadedActor<S>): void {
    const { _id: actor, outbox } = next;
    next.inbox.settle();
    this.#cache.set(actor, next);
    const { relay } = this;
    if (relay) {
      if (previous && previous.outbox.length > 0) {
        const kept = new Set(outbox.map((it) => it.id));
        relay.left(
          actor,
          previous.outbox.filter((it) => !kept.has(it.id)).map((it) => it.id),
        );
      }
      relay.offer(actor, outbox, false);
      relay.touch(actor);
    }
    this.#options.onCommit(next);
  }

  #starts([first]: readonly Job[]): boolean {
    return (
      first !== undefined && this.#options.definition.startedBy?.includes(first.message.type as T) === true
    );
  }

  async #load(actor: string): Promise<LoadedActor<S> | null> {
    const { store } = this.#options;
    const stored = await store.load(actor);
    if (!stored) return null;
    const document = { ...stored, ...this.#known(actor, stored.state) };
    this.#cache.set(actor, document);
    return document;
  }

  /** The known part of a stored state, which a newer node may have written. */
  #known(actor: string, stored: S): Pick<LoadedActor<S>, "state" | "stored"> {
    const { type, state: schema } = this.#options.definition;
    const whole = schema.safeParse(stored);
    if (whole.success) return { state: whole.data };
    const what = `the stored state of ${type} ${actor}`;
    try {
      return { state: parseReceived(schema, stored, what), stored: underPresentNames(schema, stored) as S };
    } catch (cause) {
      if (cause instanceof UnknownValueError) throw cause;
      throw new Error(`${what} does not fit its schema`, { cause });
    }
  }

  /** The archive's entries for the messages that it may contain. */
  async #archived(document: LoadedActor<S>, batch: readonly Job[]): Promise<Inbox | undefined> {
    if (document.inboxUntil === undefined) return undefined;
    const { archive, definition } = this.#options;
    const late = batch.filter((it) => isLate(document, it) && isRemembered(definition, it));
    if (late.length === 0) return undefined;
    return archive.find(
      document._id,
      late.map((it) => it.message),
    );
  }

  /** Moves the inbox's longer silent half to the archive: only committed, unchanged entries. */
  async #archive(document: LoadedActor<S>, next: LoadedActor<S>, now: number): Promise<LoadedActor<S>> {
    const { archive, tuning } = this.#options;
    const { inbox } = next;
    const silent = document.inbox
      .longestSilent(inbox.size - Math.floor(tuning.inboxSenders / 2))
      .filter(([sender, entry]) => inbox.get(sender) === entry);
    if (silent.length === 0) return next;
    const until = await archive.add(next._id, next.commit, silent, now);
    return {
      ...next,
      inbox: inbox.without(silent.map(([sender]) => sender)),
      inboxUntil: Math.max(next.inboxUntil ?? 0, until),
    };
  }

  /**
   * A message that can't be sent keeps the confirmed ones behind it in the outbox. A commit with new entries can
   * only cut the front. When they become many, they are pulled before the commit.
   */
  #confirmedBehind({ _id: actor, outbox }: LoadedActor<S>): readonly string[] | undefined {
    const confirmed = this.relay?.confirmed(actor);
    if (!confirmed || confirmed.size < PULL_FROM) return undefined;
    const front = outbox.findIndex((it) => !confirmed.has(it.id));
    return front !== -1 && confirmed.size - front >= PULL_FROM ? [...confirmed] : undefined;
  }

  async #withoutEntries(document: LoadedActor<S>, entries: readonly string[]): Promise<LoadedActor<S>> {
    const { _id: actor } = document;
    await this.#options.store.pull([{ actor, entries }]);
    const slim = { ...document, outbox: without(document.outbox, entries) };
    this.#cache.set(actor, slim);
    this.relay?.left(actor, entries);
    return slim;
  }

  #settle(actor: string, batch: readonly Job[], { next, outcomes }: Folded<S>): void | Promise<void> {
    const { crashPoints, stats } = this.#options;
    const settle = () => {
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.kind === "applied") stats.applied++;
        else if (outcome.kind === "repeated") stats.repeated++;
        else if (outcome.kind === "refused") stats.refused++;
        batch[i]?.settle(outcome, next);
      }
    };
    if (!crashPoints) return settle();
    return Promise.resolve(crashPoints("before-ack", actor)).then(settle);
  }
}

function without(outbox: readonly OutboxEntry[], entries: readonly string[]): OutboxEntry[] {
  const gone = new Set(entries);
  return outbox.filter((it) => !gone.has(it.id));
}
