/** Messages for an actor under test. */
import type { DataIn, MessageType } from "../../contract/contract.ts";
import { envelope, type Message } from "../../contract/envelope.ts";
import { deepFreeze } from "../runtime/document/freeze.ts";

/** Default time at which messages are sent. */
export const SENT_AT = Date.parse("2026-01-01T00:00:00Z");

/**
 * A message for the actor under test: type, data and, where needed, the time of sending (milliseconds since the
 * epoch). The same step twice means that one message arrives twice.
 */
export type Step<T extends MessageType> =
  | { [K in T]: readonly [type: K, data: DataIn<K>, at?: number] }[T]
  | Message<T>;

/** A deeply frozen message to the actor `subject`. @throws ZodError when the data does not fit its contract */
export function message<T extends MessageType>(
  type: T,
  subject: string,
  data: DataIn<T>,
  at: number = SENT_AT,
): Message<T> {
  return deepFreeze(envelope(type, subject, data, { source: "/test", at }));
}

const made = new WeakMap<object, Map<string, unknown>>();

/** The message of a step. The same step always gives the same message. */
export function messageOf<T extends MessageType>(step: Step<T>, subject: string): Message<T> {
  if (!isTuple(step)) return deepFreeze(step);
  const bySubject = made.get(step) ?? new Map<string, unknown>();
  made.set(step, bySubject);
  if (!bySubject.has(subject)) bySubject.set(subject, message(step[0], subject, step[1], step[2]));
  return bySubject.get(subject) as Message<T>;
}

const isTuple = <T extends MessageType>(
  step: Step<T>,
): step is { [K in T]: readonly [type: K, data: DataIn<K>, at?: number] }[T] => Array.isArray(step);
