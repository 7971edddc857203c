/** Figures of the runtime that tests and benches may want to change. */
export interface Tuning {
  /** Documents kept in memory, written through. */
  cached: number;
  /** Senders that a document's inbox remembers; beyond, the longer silent half goes to the archive. */
  inboxSenders: number;
  /** Unsettled deliveries per partition; the same on all nodes. */
  prefetch: number;
  /** No batch is folded while an actor's outbox holds more entries that are not confirmed ... */
  outboxLimit: number;
  /** ... for at most so long, so that two busy actors can't wait for each other for ever. Milliseconds. */
  outboxWaitMs: number;
  /** With so many nothing is folded at all: the document must stay far below what MongoDB takes. */
  outboxMax: number;
  /** Publishes under way at once, over all actors of the type. */
  window: number;
  /** Outbox entries waiting in memory to be published; more are left to the sweep. */
  backlog: number;
  /** Confirmed entries are pulled when their actor has been at rest so long. Milliseconds. */
  pullAfterMs: number;
  /** Age from which any node publishes an outbox entry. Milliseconds. */
  sweepAfterMs: number;
  /** Time between two sweeps, and between two looks for due timers; both are jittered. Milliseconds. */
  sweepEveryMs: number;
  timersEveryMs: number;
  /** How long `next` waits between two looks for other nodes' commits. Milliseconds. */
  pollMs: number;
  /** Callers of `next` that may wait at once. */
  waiters: number;
  /** An inline message that is not committed by then fails with UNAVAILABLE. Milliseconds. */
  inlineMs: number;
  /** A command to the database without a reply by then counts as failed, though it may yet be done. Milliseconds. */
  storeMs: number;
  /** How long a call to the owner's node may take before the message is applied here. Milliseconds. */
  remoteMs: number;
  /** How long a stop waits for commits and for confirms, each. Milliseconds. */
  stopMs: number;
  /** Quiet time after a change of the registry before partitions are handed over. Milliseconds. */
  settleMs: number;
  /** Time until a partition that came back is handed over once more; longer than the registry believes in the dead. */
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
