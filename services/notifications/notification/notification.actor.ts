/**
 * One notification: queued, sent by the worker `deliver`, tried again with growing pauses. `sending` is committed before
 * the text leaves, so that after a crash it is known which ones may have arrived. Pure.
 */
import { type Decision, defineActor, send, type TimerChange } from "../../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored } from "../../../broker/actor/state-machine.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { notifications } from "../notifications.contract.ts";
import { BUSY_MS, pauseAfter } from "./retry-schedule.ts";
import { type NotificationState, notificationState } from "./state.ts";

export type NotificationMessage = ReceivedBy<typeof notifications, "notification">;
type Decided = Decision<NotificationState>;

const RETRY = "retry";
const ignore = (reason: string): Ignored => ({ ignore: reason });

function queue(_: null, { subject, data, time }: Message<"notification.queue">): Decided {
  return {
    state: {
      ...data,
      status: "queued",
      orderId: data.about.orderId ?? null,
      to: null,
      attempts: 0,
      nextAttemptAt: null,
      detail: null,
      sentAt: null,
      createdAt: time,
    },
    send: [send("notification.send", subject, { attempt: 1 })],
  };
}

/** The attempt that comes next. A repeated or late one changes nothing. */
function begin(state: NotificationState, { data }: Message<"notification.begin">): Decided {
  if (data.attempt !== state.attempts + 1) return { state };
  return { state: { ...state, status: "sending", attempts: data.attempt, nextAttemptAt: null } };
}

/** Of a channel that recognises a repetition, nothing is committed before. So its report may be the first of an attempt. */
function report(state: NotificationState, message: Message<"notification.report">): Decided {
  const { data, time } = message;
  const isCurrent =
    data.attempt === state.attempts + 1 || (state.status === "sending" && data.attempt === state.attempts);
  if (!isCurrent) return { state };
  const { to, detail } = data;
  const after = { ...state, attempts: data.attempt, to, detail, nextAttemptAt: null };
  switch (data.outcome) {
    case "sent":
      return { state: { ...after, status: "sent", sentAt: time } };
    case "suppressed":
      return { state: { ...after, status: "suppressed" } };
    case "failed":
      return failed(after, message);
    case "retry": {
      const pause = pauseAfter(data.attempt);
      return pause === undefined ? failed(after, message) : later(after, time, data.attempt + 1, pause);
    }
    case "busy":
      return later(
        { ...after, attempts: data.attempt - 1, to: state.to, detail: state.detail },
        time,
        data.attempt,
        BUSY_MS,
      );
  }
}

function failed(state: NotificationState, { subject, data }: Message<"notification.report">): Decided {
  const { kind, channel, orderId } = state;
  return {
    state: { ...state, status: "failed" },
    send: [send("notification.failed", subject, { kind, channel, orderId, reason: data.detail ?? "" })],
  };
}

function later(state: NotificationState, now: string, attempt: number, pauseMs: number): Decided {
  const due = Date.parse(now) + pauseMs;
  const retry: TimerChange = {
    set: RETRY,
    message: { type: "notification.retry", data: { attempt } },
    due,
  };
  return {
    state: { ...state, status: "queued", nextAttemptAt: new Date(due).toISOString() },
    timers: [retry],
  };
}

function retry(state: NotificationState, { subject, data }: Message<"notification.retry">): Decided {
  return { state: { ...state, nextAttemptAt: null }, send: [send("notification.send", subject, data)] };
}

const over = {
  "notification.queue": ignore("known already"),
  "notification.begin": ignore("it is over"),
  "notification.report": ignore("it is over; a repeated attempt had the same id"),
  "notification.retry": ignore("it is over"),
} as const;

export const machine = defineMachine<NotificationState, NotificationMessage>({
  name: "notification",
  final: ["sent", "failed", "suppressed"],
  table: {
    none: {
      "notification.queue": { to: ["queued"], decide: queue },
      "notification.begin": ignore("there is no such notification"),
      "notification.report": ignore("there is no such notification"),
      "notification.retry": ignore("there is no such notification"),
    },
    queued: {
      "notification.queue": ignore("known already"),
      "notification.begin": { to: ["sending", "queued"], decide: begin },
      "notification.report": { to: ["sent", "failed", "suppressed", "queued"], decide: report },
      "notification.retry": { to: ["queued"], decide: retry },
    },
    sending: {
      "notification.queue": ignore("known already"),
      "notification.begin": ignore("begun already; the text goes out again under the same id"),
      "notification.report": { to: ["sent", "failed", "suppressed", "queued", "sending"], decide: report },
      "notification.retry": ignore("an attempt is under way"),
    },
    sent: over,
    failed: over,
    suppressed: over,
  },
});

export const notificationActor = defineActor(notifications, "notification", {
  idempotentByKey: "all",
  startedBy: ["notification.queue"],
  state: notificationState,
  receive: machine.receive,
});
