/** How a service uses its actors. The runtime behind it: mailbox.ts, actor-store.ts, relay.ts, timers.ts, actor-host.ts. */

import type { DataIn, MessageType } from "../../../contract/contract.ts";
import type { Envelope } from "../../../contract/envelope.ts";
import type { Inbox, StoredInbox } from "./inbox.ts";

/** An actor as stored: one MongoDB document. */
export interface ActorDocument<S> {
  _id: string;
  /** Counts commits; every write is conditional on it. */
  version: number;
  state: S;
  /** Per sender the sequence numbers applied last; under `ids` the message ids of senders without a sequence. */
  inbox: StoredInbox;
  /** Messages sent up to then may be known to the archive instead. Milliseconds since the epoch. */
  inboxUntil?: number;
  /** Messages decided and not yet confirmed by the broker. */
  outbox: OutboxEntry[];
  timers: TimerEntry[];
  /** Sequence number of the last message sent. */
  sent: number;
  /** Names the last commit: after a write whose outcome is in doubt it tells whose write it was. */
  commit: string;
}
/** An actor in memory. */
export type LoadedActor<S> = Omit<ActorDocument<S>, "inbox"> & {
  inbox: Inbox;
  /** The state as it is stored, where that has fields which are not known here: they are kept. */
  stored?: S;
};
export interface OutboxEntry {
  /** Message id, the key that a pull names. */
  id: string;
  /** When it was committed, and by which node: a sweep leaves young entries of others alone. */
  at: number;
  by: string;
  message: Envelope;
}
export interface TimerEntry {
  id: string;
  due: Date;
  type: string;
  data: unknown;
  /** Message that set it: correlation and trace go on. */
  cause?: { id: string; correlationid?: string; traceparent?: string };
}

export interface Snapshot<S> {
  id: string;
  version: number;
  state: S;
}

export interface ApplyOptions {
  /** Message id; the same id again is applied once (unless the type is idempotent by key). New when left out. */
  id?: string;
  traceparent?: string;
  correlationid?: string;
}

export interface ActorHost<S extends object, T extends MessageType> {
  /**
   * Inline: applies a message at once and resolves after its commit, with the state then.
   * Routed to the node that owns the actor; here where that fails. Creates the actor if `receive` does.
   * @throws SoukError the decision's refusal; UNAVAILABLE when the database is away; NOT_FOUND when there is still no actor
   */
  apply<K extends T>(id: string, type: K, data: DataIn<K>, options?: ApplyOptions): Promise<Snapshot<S>>;
  /** The committed state, read from the database; null when there is no such actor. */
  read(id: string): Promise<Snapshot<S> | null>;
  readMany(ids: readonly string[]): Promise<Snapshot<S>[]>;
  /**
   * Resolves with the state as soon as its version is above `after` and `until` holds, or with null after `waitMs`.
   * Commits on this node wake it at once, other nodes' are found by polling.
   */
  next(id: string, after: number, waitMs: number, until?: (state: S) => boolean): Promise<Snapshot<S> | null>;
  /** Starts to consume mailboxes, relay, sweep and fire timers. */
  start(): Promise<void>;
  /** Stops taking messages, finishes and confirms what runs, hands the mailboxes over. */
  stop(): Promise<void>;
  readonly stats: ActorStats;
  /** Partitions whose messages come to this node, as far as any have come. */
  readonly partitions: ReadonlySet<number>;
}

/** Counters since the start, for metrics and benches. */
export interface ActorStats {
  received: number;
  /** Messages that a commit has taken in. */
  applied: number;
  repeated: number;
  commits: number;
  conflicts: number;
  refused: number;
  dead: number;
  published: number;
  republished: number;
  unroutable: number;
}
