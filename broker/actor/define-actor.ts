/** The parts of an actor. An actor decides. It does no I/O, reads no clock and uses no random numbers. */
import type { z } from "zod";
import {
  type DataIn,
  DEFAULT_PARTITIONS,
  type MessageType,
  type ReceivedBy,
  type ServiceContract,
} from "../contract/contract.ts";
import type { Message } from "../contract/envelope.ts";
import type { ErrorCode } from "../contract/errors.ts";

/** A message to send. The runtime makes its envelope (id, sequence, cause, trace) at the commit. */
export type Outgoing = { [T in MessageType]: { type: T; subject: string; data: DataIn<T> } }[MessageType];

/** Builds an {@link Outgoing}, typed by the contract of `type`. */
export function send<T extends MessageType>(type: T, subject: string, data: DataIn<T>): Outgoing {
  return { type, subject, data } as Outgoing;
}

/** A change of the actor's timers. Setting an existing id moves that timer. A timer that fires removes itself. */
export type TimerChange =
  | {
      set: string;
      message: Pick<Outgoing, "type" | "data"> /** Milliseconds since the epoch. */;
      due: number;
    }
  | { cancel: string };

/**
 * An expected refusal for an inline caller. The state stays unchanged. For a message from a mailbox it is only
 * counted.
 */
export interface Refusal {
  code: ErrorCode;
  detail: string;
}

export interface Decision<S> {
  /**
   * The next state. The same object means that nothing changed. `null` means that there is still no actor. Never
   * mutated.
   */
  state: S | null;
  send?: readonly Outgoing[];
  timers?: readonly TimerChange[];
  refusal?: Refusal;
}

/** What a domain writes of an actor. Which messages it takes stands in the contract. */
export interface ActorBehavior<S extends object, T extends MessageType> {
  /**
   * Types whose repetition `receive` recognises by a key in the state, for example a hold by its order. They do not
   * use the inbox, so a hot actor's document does not grow with its senders. All other types use it.
   */
  readonly idempotentByKey?: readonly T[] | "all";
  /**
   * Types that usually create an actor. When its document is not in memory, they are first decided without a read, as
   * if there were none. If the insert fails because a document exists, they are decided again with it.
   */
  readonly startedBy?: readonly T[];
  /**
   * Top-level fields of the state that are maps. They are written by key (`$set state.holds.<key>`), not as a whole.
   * Keys must be names of fields, see fieldName in broker/mongo/field-name.ts. For maps of thousands of keys, use `withKey` and `withoutKey` of
   * shared-record.ts. Their cost does not grow with the number of keys.
   */
  readonly maps?: readonly (keyof S & string)[];
  /** Validates a document's state when it is loaded and, in tests, after each decision. */
  readonly state: z.ZodType<S>;
  /**
   * Pure and synchronous. `state` is null for an actor that does not exist yet. The only time it may use is
   * `message.time`: when the message was sent, or when a timer was due.
   */
  receive(state: S | null, message: Message<T>): Decision<S>;
}

export interface ActorDefinition<S extends object = object, T extends MessageType = MessageType>
  extends ActorBehavior<S, T> {
  /** For example `"order"`. Names the mailboxes. */
  readonly type: string;
  /** Owning service, for example `"orders"`. */
  readonly service: string;
  /** Messages that its mailboxes are bound to. */
  readonly mailbox: readonly T[];
  readonly partitions: number;
  /** Of its documents. */
  readonly collection: string;
  /** All messages that it takes: from its mailboxes, inline and by its timers. */
  readonly receives: readonly T[];
  readonly idempotentByKey: readonly T[];
}

/** Defines an actor of a contract, which says what the actor receives. @throws on what the contract does not say of it */
export function defineActor<
  C extends ServiceContract,
  const A extends keyof C["actors"] & string,
  S extends object,
>(
  contract: C,
  type: A,
  { idempotentByKey = [], ...behavior }: ActorBehavior<S, ReceivedBy<C, A>>,
): ActorDefinition<S, ReceivedBy<C, A>> {
  type Received = readonly ReceivedBy<C, A>[];
  const declared = contract.actors[type];
  if (!declared) throw new Error(`${contract.service} has no actor ${type}`);
  const {
    receives: mailbox,
    inline = [],
    timers = [],
    partitions = DEFAULT_PARTITIONS,
    collection = type,
  } = declared;
  const receives = [...mailbox, ...inline, ...timers] as readonly string[] as Received;
  const keyed = idempotentByKey === "all" ? receives : idempotentByKey;
  for (const it of [...keyed, ...(behavior.startedBy ?? [])])
    if (!receives.includes(it)) throw new Error(`${type}: ${it} is not received`);
  const { service } = contract;
  return {
    ...behavior,
    type,
    service,
    mailbox: mailbox as Received,
    partitions,
    collection,
    receives,
    idempotentByKey: keyed,
  };
}
