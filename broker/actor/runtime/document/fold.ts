/** Folds `receive` over a batch of messages. It is pure, so a lost race is decided again by folding again. */

import { type MessageType, messageContract } from "../../../contract/contract.ts";
import { type Envelope, envelopeOf, type Message } from "../../../contract/envelope.ts";
import { derivedId } from "../../../contract/ids.ts";
import type { ActorDefinition, Decision, Outgoing, Refusal, TimerChange } from "../../define-actor.ts";
import type { LoadedActor, OutboxEntry, TimerEntry } from "./actor-host.types.ts";
import { deepFreeze } from "./freeze.ts";
import { Inbox, InboxDraft } from "./inbox.ts";
import { withUnknown } from "./unknown-fields.ts";

/** Maximum number of messages in one commit. */
export const MAX_BATCH = 128;

export interface Incoming {
  message: Envelope;
  /** It came from a mailbox, so its sender has published it. */
  mailed?: boolean;
  /** Set for a timer that is due. It counts only while the actor still has that timer. */
  timer?: { id: string; due: number };
}

export type Outcome =
  /** It changed the actor, or at least its inbox. */
  | { kind: "applied" }
  /** Applied before, or a timer that was moved or cancelled since. */
  | { kind: "repeated" }
  /** It changes nothing that must be written. */
  | { kind: "unchanged" }
  /**
   * There was no actor when the message was applied, though a later message of the batch may have created one. Its
   * `answers` must be published before it counts as handled, because no outbox holds them.
   */
  | { kind: "absent"; answers: readonly Envelope[] }
  | { kind: "refused"; refusal: Refusal }
  /**
   * `receive` threw, or its decision violates a contract. The other messages are folded as if this one had not come.
   */
  | { kind: "failed"; error: unknown };

export interface Folded<S> {
  /** The document to write. It is the given one where nothing changed. */
  next: LoadedActor<S> | null;
  /** One per message, in the same order. */
  outcomes: Outcome[];
}

export interface FoldOptions<S extends object, T extends MessageType> {
  definition: ActorDefinition<S, T>;
  id: string;
  /** Time of the commit, milliseconds since the epoch. */
  at: number;
  /** This node's incarnation, for the outbox. */
  by: string;
  /** Unique name of the commit. */
  commit: string;
  /** Validate and freeze each next state. For tests. */
  strict?: boolean;
  /** Put applied messages that nobody has published into the outbox, for the taps. */
  recordApplied?: boolean;
  newId?: () => string;
  /** The archive's entries about the batch's senders, where one of its messages is {@link isLate}. */
  archived?: Inbox;
  /** Makes ids of answers where there is no actor: the same id again for the same message. */
  answerId: (message: Envelope, index: number) => string;
}

/** Whether the inbox says that the actor has applied the message. */
export const isRemembered = <S extends object, T extends MessageType>(
  { idempotentByKey }: ActorDefinition<S, T>,
  { message, timer }: Incoming,
): boolean => !timer && !idempotentByKey?.includes(message.type as T);

/**
 * Whether the archive may have the message. If so, it must be read before the fold. It has no messages without a
 * sender, because an action that retries with the same id has another time.
 */
export const isLate = ({ inboxUntil }: LoadedActor<object>, { message }: Incoming): boolean =>
  inboxUntil !== undefined && message.sender !== undefined && Date.parse(message.time) <= inboxUntil;

/** The document after `batch`, and the outcome of each message. `document` is null where there is no actor yet. */
export function fold<S extends object, T extends MessageType>(
  document: LoadedActor<S> | null,
  batch: readonly Incoming[],
  options: FoldOptions<S, T>,
): Folded<S> {
  const draft = new Draft(document, options);
  const outcomes = batch.map((incoming): Outcome => {
    try {
      return draft.take(incoming);
    } catch (error) {
      return { kind: "failed", error };
    }
  });
  return { next: draft.finish(), outcomes };
}

const NOTHING: Outcome = { kind: "unchanged" };
const APPLIED: Outcome = { kind: "applied" };
const REPEATED: Outcome = { kind: "repeated" };

class Draft<S extends object, T extends MessageType> {
  readonly #base: LoadedActor<S> | null;
  readonly #options: FoldOptions<S, T>;
  readonly #inbox: InboxDraft;
  readonly #added: OutboxEntry[] = [];
  #state: S | null;
  #timers: TimerEntry[];
  #sent: number;

  constructor(base: LoadedActor<S> | null, options: FoldOptions<S, T>) {
    this.#base = base;
    this.#options = options;
    this.#inbox = new InboxDraft(base?.inbox ?? Inbox.empty, options.archived);
    this.#state = base?.state ?? null;
    this.#timers = base?.timers ?? [];
    this.#sent = base?.sent ?? 0;
  }

  take(incoming: Incoming): Outcome {
    const { message, timer } = incoming;
    const { definition } = this.#options;
    if (!definition.receives.includes(message.type as T))
      throw new Error(`${definition.type} does not receive ${message.type}`);
    const remembers = isRemembered(definition, incoming);
    if (timer ? !this.#has(timer) : remembers && this.#inbox.has(message)) return REPEATED;

    const decision = definition.receive(this.#state, message as Message<T>);
    if (decision.refusal && !timer) return { kind: "refused", refusal: decision.refusal };
    if (decision.state === null) return this.#withoutActor(message, decision);

    const strict = this.#options.strict && decision.state !== this.#state;
    if (strict) deepFreeze(definition.state.parse(decision.state) && decision.state);
    const entries = decision.send?.map((outgoing, i) => this.#entry(outgoing, this.#sent + i + 1, message));
    const left = timer ? this.#timers.filter((it) => it.id !== timer.id) : this.#timers;
    const timers = decision.timers?.length ? this.#changed(left, decision.timers, message) : left;

    const same = decision.state === this.#state && !entries?.length && timers === this.#timers;
    if (same && !remembers) return NOTHING;
    this.#state = decision.state;
    this.#timers = timers;
    if (this.#options.recordApplied && !incoming.mailed) this.#added.push(this.#record(message));
    if (entries) {
      this.#added.push(...entries);
      this.#sent += entries.length;
    }
    if (remembers) this.#inbox.add(message);
    return APPLIED;
  }

  finish(): LoadedActor<S> | null {
    const base = this.#base;
    if (this.#state === null) return base;
    const { id, commit } = this.#options;
    const untouched =
      base !== null &&
      this.#state === base.state &&
      !this.#inbox.isChanged &&
      this.#timers === base.timers &&
      this.#added.length === 0;
    if (untouched) return base;
    return {
      ...base,
      _id: id,
      version: (base?.version ?? 0) + 1,
      state: this.#state,
      inbox: this.#inbox.finish(),
      outbox:
        base === null ? this.#added : this.#added.length ? [...base.outbox, ...this.#added] : base.outbox,
      timers: this.#timers,
      sent: this.#sent,
      commit,
      ...(base?.stored ? { stored: withUnknown(base.stored, base.state, this.#state) as S } : {}),
    };
  }

  #has(timer: { id: string; due: number }): boolean {
    return this.#timers.some((it) => it.id === timer.id && it.due.getTime() === timer.due);
  }

  /** Still no actor: no document can hold messages or timers. */
  #withoutActor(message: Envelope, decision: Decision<S>): Outcome {
    const { definition, at, answerId } = this.#options;
    if (this.#state !== null) throw new Error(`${definition.type}: ${message.type} would delete the actor`);
    if (decision.timers?.length) throw new Error(`${definition.type}: a timer without an actor`);
    const answers = (decision.send ?? []).map((outgoing, index) =>
      envelopeOf(outgoing, {
        source: `/${definition.service}`,
        at,
        id: answerId(message, index),
        cause: message,
      }),
    );
    return { kind: "absent", answers };
  }

  #entry(outgoing: Outgoing, sequence: number, cause: Envelope): OutboxEntry {
    const { definition, id, at, by, newId } = this.#options;
    const message = envelopeOf(outgoing, {
      source: `/${definition.service}`,
      at,
      cause,
      ...(newId ? { id: newId() } : {}),
    });
    message.sender = `${definition.type}/${id}`;
    message.sequence = sequence;
    return { id: message.id, at, by, message };
  }

  /** Before what it causes. It has no sequence number, because no actor has sent it. */
  #record(message: Envelope): OutboxEntry {
    const { definition, id, at, by } = this.#options;
    return { id: derivedId(definition.type, id, message.id), at, by, message, applied: true };
  }

  #changed(timers: TimerEntry[], changes: readonly TimerChange[], cause: Envelope): TimerEntry[] {
    let next = timers;
    for (const change of changes) {
      const id = "set" in change ? change.set : change.cancel;
      const others = next.filter((it) => it.id !== id);
      if ("set" in change) next = [...others, timerEntry(change, cause)];
      else if (others.length !== next.length) next = others;
    }
    return next;
  }
}

function timerEntry(
  { set, message, due }: Extract<TimerChange, { set: string }>,
  cause: Envelope,
): TimerEntry {
  const at = new Date(due);
  if (Number.isNaN(at.getTime())) throw new Error(`timer ${set}: ${due} is not a time`);
  const { id, correlationid, traceparent } = cause;
  return {
    id: set,
    due: at,
    type: message.type,
    data: messageContract(message.type).data.parse(message.data),
    cause: {
      id,
      ...(correlationid === undefined ? {} : { correlationid }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}
