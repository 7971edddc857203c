/**
 * When a payment acts on its own: opens with others or again, asks its provider for the state. These are timers of
 * its document, so they survive every crash, and one node fires each. Pure. The operator sets the intervals.
 */
import type { TimerChange } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { Decided, PaymentMessage } from "./decision.ts";
import { timerOf } from "./provider-commands.ts";
import { isWatched, openRefunds, type Payment, type PaymentState } from "./state.ts";

/** All in milliseconds. */
export interface PaymentSchedule {
  /** Time until a provider is first asked. The second time is three times as long; each further one doubles. */
  readonly firstCheckMs: number;
  readonly longestWaitMs: number;
  /** How long after the order's time to pay a provider is still asked. */
  readonly graceMs: number;
  /** Payments are opened together at multiples of this. Null opens each at once. */
  readonly batchMs: number | null;
}

export const scheduleOf = (config: Config): PaymentSchedule => ({
  firstCheckMs: config.RECONCILE_FIRST,
  longestWaitMs: config.RECONCILE_MAX,
  graceMs: config.RECONCILE_GRACE,
  batchMs: config.INVOICE_MODE === "batch" ? config.INVOICE_BATCH_INTERVAL : null,
});

const CHECK = "check";
const OPEN = "open";

/**
 * Wait before the next check, by the number of checks so far: 10 s, 30 s, 1 min, 2 min, … where the first is 10 s.
 */
const checkDelay = (
  { firstCheckMs, longestWaitMs }: PaymentSchedule,
  checks: number,
  slower: number,
): number =>
  Math.min(
    slower * longestWaitMs,
    checks === 0 ? firstCheckMs : 3 * firstCheckMs * 2 ** Math.min(checks - 1, 30),
  );

/** A bank that takes days is asked at longer intervals: up to six times the usual ones. */
const SLOWER = 6;

/**
 * Wait before the next try to open, by the number of failures. It starts at a tenth of the first check's wait, and
 * doubles up to six times that wait.
 */
const openDelay = ({ firstCheckMs }: PaymentSchedule, failures: number): number =>
  Math.min(6 * firstCheckMs, (firstCheckMs / 10) * 2 ** Math.min(failures - 1, 30));

/** Wait before a failed command is repeated, by the number of tries: 1 s, 2 s, 4 s, … 5 min. */
const retryDelay = ({ firstCheckMs }: PaymentSchedule, failures: number): number =>
  Math.min(30 * firstCheckMs, (firstCheckMs / 10) * 2 ** Math.min(failures - 1, 30));

/** The decision with the timers that follow from its result. */
export function withTimers(
  schedule: PaymentSchedule,
  before: PaymentState | null,
  decision: Decided,
  message: Message<PaymentMessage>,
): Decided {
  const after = decision.state;
  if (after === null || after.status === "early") return decision;
  const retries = retryTimers(schedule, before, message);
  if (after === before) return retries.length > 0 ? { ...decision, timers: retries } : decision;
  const was = before === null || before.status === "early" ? null : before;
  const { state, timers: checks } = checkTimers(schedule, was, after, message);
  const timers = [
    ...(decision.timers ?? []),
    ...openTimers(schedule, was, after, message),
    ...checks,
    ...retries,
  ];
  return timers.length > 0 ? { ...decision, state, timers } : { ...decision, state };
}

function openTimers(
  schedule: PaymentSchedule,
  was: Payment | null,
  is: Payment,
  { time }: Message<PaymentMessage>,
): TimerChange[] {
  const now = Date.parse(time);
  const { batchMs } = schedule;
  if (is.status !== "requested")
    return was?.status === "requested" && (was.opening || batchMs) ? [{ cancel: OPEN }] : [];
  const openAt = (due: number): TimerChange[] => [
    { set: OPEN, message: { type: "payment.open", data: {} }, due },
  ];
  // Its failure may be known before it is requested.
  if (is.opening && is.opening.failures !== was?.opening?.failures)
    return openAt(now + openDelay(schedule, is.opening.failures));
  return was === null && batchMs !== null ? openAt(Math.ceil(now / batchMs) * batchMs) : [];
}

/** Timers for this message, or for kept messages when the request has come now. */
function retryTimers(
  schedule: PaymentSchedule,
  before: PaymentState | null,
  message: Message<PaymentMessage>,
): TimerChange[] {
  const kept = before?.status === "early" ? (before.kept as Message<PaymentMessage>[]) : [];
  return [...kept, message].flatMap((it) => {
    if (it.type !== "provider.command_failed") return [];
    const { command, failures } = it.data;
    const due = Date.parse(message.time) + retryDelay(schedule, failures);
    return [{ set: timerOf(command), message: { type: "payment.retry", data: { command, failures } }, due }];
  });
}

function checkTimers(
  schedule: PaymentSchedule,
  was: Payment | null,
  is: Payment,
  { type, time }: Message<PaymentMessage>,
): { state: Payment; timers: TimerChange[] } {
  const wasWatched = was !== null && isWatched(was);
  if (!isWatched(is)) return { state: is, timers: wasWatched ? [{ cancel: CHECK }] : [] };
  const begun = is.processingUntil !== null && is.processingUntil !== was?.processingUntil;
  const news = !wasWatched || begun || openRefunds(is) > openRefunds(was);
  if (!news && type !== "payment.check") return { state: is, timers: [] };
  const state = news && is.checks > 0 ? { ...is, checks: 0 } : is;
  return { state, timers: [nextCheck(schedule, state, Date.parse(time))] };
}

/**
 * Refunds are checked until they end. An open payment is checked until its time, or that of money on its way, and the
 * grace period are over.
 */
function nextCheck(schedule: PaymentSchedule, state: Payment, now: number): TimerChange {
  const { processingUntil } = state;
  const due = now + checkDelay(schedule, state.checks, processingUntil === null ? 1 : SLOWER);
  const times = [state.expiresAt ?? state.createdAt, ...(processingUntil === null ? [] : [processingUntil])];
  const end = Math.max(...times.map((it) => Date.parse(it))) + schedule.graceMs;
  const last = openRefunds(state) === 0 && due > end;
  return {
    set: CHECK,
    message: { type: "payment.check", data: { last } },
    due: last ? Math.max(now, end) : due,
  };
}
