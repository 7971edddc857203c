/** What an actor does with a batch: take the document, fold, commit, publish. The one place where state changes. */

import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { MessageType } from "../../../contract/contract.ts";
import { parseReceived, UnknownValueError, underPresentNames } from "../../../contract/tolerant.ts";
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

/** From so many lost races in a row on, a batch waits a little before it tries again. */
const RACES_WITHOUT_PAUSE = 3;
/** So many confirmed entries behind one that is not are pulled before the next commit. */
const PULL_FROM = 64;

export interface ProcessorOptions<S extends object, T extends MessageType> {
  definition: ActorDefinition<S, T>;
  store: ActorStore<S>;
  archive: InboxArchive;
  stats: ActorStats;
  tuning: Tuning;
  faults: CrashPoints | undefined;
  /** What {@link fold} needs and that is not known here. */
  foldOptions(actor: string): FoldOptions<S, T>;
  /** Told of every commit of this node. */
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
   * Handles a batch of one actor to the end: each job is settled when this resolves.
   * @throws when the document can't be read or written; then none is settled, and the batch may be handled again
   */
  async work(actor: string, batch: readonly Job[]): Promise<void> {
    const { stats, faults, store, tuning } = this.#options;
    for (let races = 0; ; races++) {
      if (races > RACES_WITHOUT_PAUSE) await sleep(Math.random() * 10 * Math.min(races, 20));
      const cached = this.#cache.get(actor);
      const guessed = !cached && races === 0 && this.#starts(batch);
      let document = cached ?? (guessed ? null : await this.#load(actor));
      const surplus = document && this.#surplus(document);
      if (document && surplus) document = await this.#slimmed(document, surplus);
      const foldOptions = this.#options.foldOptions(actor);
      const archived = document ? await this.#archived(document, batch) : undefined;
      const folded = fold(document, batch, archived ? { ...foldOptions, archived } : foldOptions);
      if (folded.next === document || folded.next === null) {
        // Nothing to write means nothing that proves the document to be the latest: look whether it is.
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
      if (faults) await faults("before-commit", actor);
      if (!(await this.#commit(store, document, next))) {
        stats.conflicts++;
        continue;
      }
      stats.commits++;
      if (faults) await faults("after-commit", actor);
      this.#committed(document, next);
      return this.#settle(actor, batch, { ...folded, next });
    }
  }

  /** Unconfirmed and confirmed entries in the outbox, where the document is in memory. */
  outboxSize(actor: string): number {
    return this.#cache.peek(actor)?.outbox.length ?? 0;
  }

  /** What this node last wrote or read, where it is in memory; another node may have written since. */
  remembered(actor: string): Snapshot<S> | undefined {
    const document = this.#cache.peek(actor);
    return document && { id: actor, version: document.version, state: document.state };
  }

  /** Entries have been pulled from the stored outbox. */
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
      // Also when it failed: then nobody knows what is stored.
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

  /** What is known here of a stored state, which a newer node may have written. */
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

  /** What the archive knows of the senders of messages that it may have. */
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

  /** Moves the longer silent half of the inbox to the archive: of what is committed, and is as it was. */
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
   * A message that can't be sent keeps confirmed ones behind it in the outbox, since a commit that adds some can
   * only cut its front. When they get many they are pulled before the commit.
   */
  #surplus({ _id: actor, outbox }: LoadedActor<S>): readonly string[] | undefined {
    const confirmed = this.relay?.confirmed(actor);
    if (!confirmed || confirmed.size < PULL_FROM) return undefined;
    const front = outbox.findIndex((it) => !confirmed.has(it.id));
    return front !== -1 && confirmed.size - front >= PULL_FROM ? [...confirmed] : undefined;
  }

  async #slimmed(document: LoadedActor<S>, entries: readonly string[]): Promise<LoadedActor<S>> {
    const { _id: actor } = document;
    await this.#options.store.pull([{ actor, entries }]);
    const slim = { ...document, outbox: without(document.outbox, entries) };
    this.#cache.set(actor, slim);
    this.relay?.left(actor, entries);
    return slim;
  }

  #settle(actor: string, batch: readonly Job[], { next, outcomes }: Folded<S>): void | Promise<void> {
    const { faults, stats } = this.#options;
    const settle = () => {
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.kind === "applied") stats.applied++;
        else if (outcome.kind === "repeated") stats.repeated++;
        else if (outcome.kind === "refused") stats.refused++;
        batch[i]?.settle(outcome, next);
      }
    };
    if (!faults) return settle();
    return Promise.resolve(faults("before-ack", actor)).then(settle);
  }
}

function without(outbox: readonly OutboxEntry[], entries: readonly string[]): OutboxEntry[] {
  const gone = new Set(entries);
  return outbox.filter((it) => !gone.has(it.id));
}
