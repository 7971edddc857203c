/** What an actor is made of. An actor decides; it does no I/O, reads no clock and rolls no dice. */
import type { z } from "zod";
import type { DataIn, MessageType } from "../contract/contract.ts";
import type { Message } from "../contract/envelope.ts";
import type { ErrorCode } from "../contract/errors.ts";

/** A message to send; the runtime makes the envelope (id, sequence, cause, trace) when it commits. */
export type Outgoing = { [T in MessageType]: { type: T; subject: string; data: DataIn<T> } }[MessageType];

/** Builds an {@link Outgoing}, typed by the contract of `type`. */
export function send<T extends MessageType>(type: T, subject: string, data: DataIn<T>): Outgoing {
  return { type, subject, data } as Outgoing;
}

/** A change to the actor's timers. Setting an id again moves it; a timer that fires removes itself. */
export type TimerChange =
  | { set: string; message: Pick<Outgoing, "type" | "data"> /** milliseconds since the epoch */; due: number }
  | { cancel: string };

/** An expected "no" to whoever asked inline; the state stays as it was. Over the mailbox it only counts. */
export interface Refusal {
  code: ErrorCode;
  detail: string;
}

export interface Decision<S> {
  /** The next state: the same object means nothing changed, `null` that there is still no actor. Never mutated. */
  state: S | null;
  send?: readonly Outgoing[];
  timers?: readonly TimerChange[];
  refusal?: Refusal;
}

export interface ActorDefinition<S extends object = object, T extends MessageType = MessageType> {
  /** e.g. `"order"`; names mailboxes, and the collection of its documents unless the model says otherwise. */
  readonly type: string;
  /** Owning service, e.g. `"orders"`. */
  readonly service: string;
  /** Messages it takes: over its mailboxes those that the contract binds, inline and from timers any of these. */
  readonly receives: readonly T[];
  /**
   * Types whose repetition `receive` itself recognises by a key in the state (a hold by its order, say).
   * They stay out of the inbox, so that a hot actor's document does not grow with its senders. All others go through it.
   */
  readonly idempotentByKey?: readonly T[];
  /**
   * Types that as a rule start an actor. Where its document is not in memory they are first decided as if there
   * were none, which saves the look; the insert fails where there is one, and all is decided again with it.
   */
  readonly startedBy?: readonly T[];
  /**
   * Top-level fields of the state that are maps: written by key (`$set state.holds.<key>`), not as a whole.
   * Keys must not contain `.` or start with `$`. Where there may be thousands, `withKey` and `withoutKey` of
   * shared-record.ts change them at a cost that does not grow with their number.
   */
  readonly maps?: readonly (keyof S & string)[];
  /** Checks a document's state when it is loaded and, in tests, after each decision. */
  readonly state: z.ZodType<S>;
  /**
   * Pure and synchronous. `state` is null for an actor that does not exist yet.
   * The only time it may use is `message.time` (when the message was sent; for a timer when it fell due).
   */
  receive(state: S | null, message: Message<T>): Decision<S>;
}

/** Identity function that infers the state and message types. @throws on an inconsistent definition. */
export function defineActor<S extends object, const T extends MessageType>(
  definition: ActorDefinition<S, T>,
): ActorDefinition<S, T> {
  for (const type of definition.idempotentByKey ?? [])
    if (!definition.receives.includes(type)) throw new Error(`${definition.type}: ${type} is not received`);
  return definition;
}
