/** Settings of the runtime that tests and benches may change. */
export interface Tuning {
  /** Documents in the memory cache. Writes go through it. */
  cached: number;
  /** Senders in a document's inbox. Beyond this, the longer silent half moves to the archive. */
  inboxSenders: number;
  /** Unsettled deliveries per partition. The same on all nodes. */
  prefetch: number;
  /** While an actor's outbox has more unconfirmed entries than this, no batch is folded ... */
  outboxLimit: number;
  /** ... for at most this time, so that two busy actors can't wait for each other for ever. Milliseconds. */
  outboxWaitMs: number;
  /** With this many entries, nothing is folded at all. The document must stay far below MongoDB's limit. */
  outboxMax: number;
  /** Publishes in flight, over all actors of the type. */
  window: number;
  /** Outbox entries that wait in memory to be published. The sweep publishes further ones. */
  backlog: number;
  /** Confirmed entries are pulled when their actor has been idle for this time. Milliseconds. */
  pullAfterMs: number;
  /** Age from which any node publishes an outbox entry. Milliseconds. */
  sweepAfterMs: number;
  /** Time between two sweeps, and between two checks for due timers. Both are jittered. Milliseconds. */
  sweepEveryMs: number;
  timersEveryMs: number;
  /** How long `next` waits between two polls for other nodes' commits. Milliseconds. */
  pollMs: number;
  /** Maximum number of waiting callers of `next`. */
  waiters: number;
  /** An inline message that is not committed by then fails with UNAVAILABLE. Milliseconds. */
  inlineMs: number;
  /** A database command without a reply by then counts as failed, though it may still be done. Milliseconds. */
  storeMs: number;
  /** How long a call to the owner's node may take before the message is applied here. Milliseconds. */
  remoteMs: number;
  /** How long a stop waits for commits, and for confirms. Milliseconds. */
  stopMs: number;
  /** How long the registry must be stable before partitions are handed over. Milliseconds. */
  settleMs: number;
  /** Time until a partition that came back is handed over again. Longer than the registry needs to notice a crash. */
  againMs: number;
}

export const defaultTuning: Tuning = {
  cached: 5_000,
  inboxSenders: 512,
  prefetch: 500,
  outboxLimit: 200,
  outboxWaitMs: 250,
  outboxMax: 2_000,
  window: 2_000,
  backlog: 10_000,
  pullAfterMs: 50,
  sweepAfterMs: 2_000,
  sweepEveryMs: 1_000,
  timersEveryMs: 1_000,
  pollMs: 250,
  waiters: 10_000,
  inlineMs: 8_000,
  storeMs: 15_000,
  remoteMs: 2_000,
  stopMs: 5_000,
  settleMs: 1_000,
  againMs: 10_000,
};
