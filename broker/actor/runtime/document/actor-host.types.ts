/**
 * How a service uses its actors. The runtime is in mailbox.ts, actor-store.ts, relay.ts, timers.ts, actor-host.ts.
 */

import type { Model } from "mongoose";
import type { DataIn, MessageType } from "../../../contract/contract.ts";
import type { Envelope } from "../../../contract/envelope.ts";
import type { Inbox, StoredInbox } from "./inbox.ts";

/** An actor as stored: one MongoDB document. */
export interface ActorDocument<S> {
  _id: string;
  /** Counts commits. Every write requires the expected version. */
  version: number;
  state: S;
  /** Per sender, the last applied sequence numbers. Under `ids`, the message ids of senders without a sequence. */
  inbox: StoredInbox;
  /** Messages sent until then may be in the archive. Milliseconds since the epoch. */
  inboxUntil?: number;
  /** Messages that are committed and not yet confirmed by the bus. */
  outbox: OutboxEntry[];
  timers: TimerEntry[];
  /** Sequence number of the last message sent. */
  sent: number;
  /** Name of the last commit. After a write with an unknown outcome, it shows whose write it was. */
  commit: string;
}
/** An actor in memory. */
export type LoadedActor<S> = Omit<ActorDocument<S>, "inbox"> & {
  inbox: Inbox;
  /** The stored state, where it has fields that are unknown here. They are kept. */
  stored?: S;
};
export interface OutboxEntry {
  /** Message id. A pull names it. */
  id: string;
  /** When and by which node it was committed. A sweep skips young entries of other nodes. */
  at: number;
  by: string;
  message: Envelope;
  /** The actor has applied it and nobody has sent it. It goes to the taps only. */
  applied?: true;
}
export interface TimerEntry {
  id: string;
  due: Date;
  type: string;
  data: unknown;
  /** The message that set it. Correlation and trace are kept. */
  cause?: { id: string; correlationid?: string; traceparent?: string };
}

export interface Snapshot<S> {
  id: string;
  version: number;
  state: S;
}

export interface ApplyOptions {
  /** Message id. The same id is applied once, unless the type is idempotent by key. Default: a new id. */
  id?: string;
  traceparent?: string;
  correlationid?: string;
}

export interface ActorHost<S extends object, T extends MessageType> {
  /**
   * Applies a message inline and resolves after its commit, with the new state. It runs on the node that owns the
   * actor, or here where that fails. Creates the actor if `receive` does.
   * @throws SoukError the decision's refusal; UNAVAILABLE when the database is away; NOT_FOUND when there is still no
   * actor
   */
  apply<K extends T>(id: string, type: K, data: DataIn<K>, options?: ApplyOptions): Promise<Snapshot<S>>;
  /**
   * The committed state: from the database, or from memory where no other node writes. It must not be changed. Null when
   * there is no such actor.
   */
  read(id: string): Promise<Snapshot<S> | null>;
  readMany(ids: readonly string[]): Promise<Snapshot<S>[]>;
  /** The committed state, where it is in this node's memory and no other node can have changed it. */
  inMemory(id: string): Snapshot<S> | undefined;
  /**
   * Resolves with the state once its version is above `after` and `until` is true, or with null after `waitMs`.
   * Commits on this node resolve it at once. Those of other nodes are found by polling.
   */
  next(id: string, after: number, waitMs: number, until?: (state: S) => boolean): Promise<Snapshot<S> | null>;
  /** Starts mailboxes, relay, sweep and timers. */
  start(): Promise<void>;
  /** Takes no more messages, finishes and confirms running work, and hands the mailboxes over. */
  stop(): Promise<void>;
  readonly stats: ActorStats;
  /** All documents, for queries. Only the runtime may write them. */
  readonly documents: Model<ActorDocument<S>>;
  /** Partitions whose messages this node has received so far. */
  readonly partitions: ReadonlySet<number>;
}

/** Counters since the start, for metrics and benches. */
export interface ActorStats {
  received: number;
  /** Messages included in a commit. */
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
