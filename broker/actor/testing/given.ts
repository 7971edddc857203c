/**
 * Tests an actor by given, when, then, without a store or a bus:
 *
 *     given(order, [placed, teaHeld]).when(cupHeld).then({
 *       state: { status: "awaiting_payment" },
 *       sends: [["payment.request", PAYMENT]],
 *     });
 *
 * Each decision on the way is checked too, see check-decision.ts.
 */
import assert from "node:assert/strict";
import type { DataIn, MessageType } from "../../contract/contract.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import type { ActorDefinition, Outgoing, TimerChange } from "../define-actor.ts";
import { checkState, decide } from "./check-decision.ts";
import { messageOf, type Step } from "./steps.ts";

/** Default id of the actor under test. */
export const ACTOR_ID = "019b76da-a800-7000-8000-000000000001";

type Partly<V> = V extends readonly (infer E)[]
  ? readonly Partly<E>[]
  : V extends object
    ? { readonly [K in keyof V]?: Partly<V[K]> | undefined }
    : V;

/** An expected message, as exactly as the test wants: its type, its receiver, and all of its data. */
export type ExpectedSend = {
  [K in MessageType]: K | readonly [type: K, subject: string, data?: DataIn<K>];
}[MessageType];

export interface Expected<S> {
  /** The expected part of the state. `null`: there is no actor. `"unchanged"`: nothing has changed. */
  state?: Partly<S> | null | "unchanged";
  /** All messages that are sent, in order. */
  sends?: readonly ExpectedSend[];
  /** All changes of timers, in order. */
  timers?: readonly TimerChange[];
  /** The refusal of the last message. Default: none. */
  refusal?: ErrorCode;
}

export interface Situation<S extends object, T extends MessageType> {
  readonly state: S | null;
  /** Gives the messages to the actor, one after the other. */
  when(...steps: readonly Step<T>[]): Outcome<S, T>;
}

export interface Outcome<S extends object, T extends MessageType> extends Situation<S, T> {
  /** The messages sent by the steps of `when`. */
  readonly sends: readonly Outgoing[];
  readonly timers: readonly TimerChange[];
  readonly refusal: ErrorCode | undefined;
  /** Data of the sent messages of one type. */
  sent<K extends MessageType>(type: K): DataIn<K>[];
  /** Compares, and returns the situation, so that a test can continue from it. */
  then(expected: Expected<S>): Situation<S, T>;
  /** The messages change nothing, send nothing and are not refused. */
  thenNothing(): Situation<S, T>;
}

export interface GivenOptions<S> {
  /** Id of the actor, where its decisions depend on it. */
  id?: string;
  /** A rule for every state. @throws where it is violated */
  invariant?(state: S): void;
}

/**
 * An actor in a given situation.
 * @param past its state, or the messages that led to it; `null`: there is no actor yet
 */
export function given<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  past: NoInfer<S> | null | readonly Step<NoInfer<T>>[] = null,
  options: GivenOptions<NoInfer<S>> = {},
): Situation<S, T> {
  if (!isSteps(past)) return situation(actor, past && checkState(actor, past), options);
  const { state, refusal } = handle(actor, null, past, options);
  assert.equal(refusal, undefined, `${actor.type}: a given message was refused`);
  return situation(actor, state, options);
}

const isSteps = <T extends MessageType>(
  past: object | null | readonly Step<T>[],
): past is readonly Step<T>[] => Array.isArray(past);

function situation<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  state: S | null,
  options: GivenOptions<S>,
): Situation<S, T> {
  return { state, when: (...steps) => outcome(actor, state, steps, options) };
}

interface Handled<S> {
  readonly state: S | null;
  readonly sends: readonly Outgoing[];
  readonly timers: readonly TimerChange[];
  readonly refusal: ErrorCode | undefined;
}

function handle<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  before: S | null,
  steps: readonly Step<T>[],
  { id = ACTOR_ID, invariant }: GivenOptions<S>,
): Handled<S> {
  let state = before;
  let refusal: ErrorCode | undefined;
  const sends: Outgoing[] = [];
  const timers: TimerChange[] = [];
  for (const step of steps) {
    const decision = decide(actor, state, messageOf(step, id));
    state = decision.state;
    if (state) invariant?.(state);
    refusal = decision.refusal?.code;
    sends.push(...(decision.send ?? []));
    timers.push(...(decision.timers ?? []));
  }
  return { state, sends, timers, refusal };
}

function outcome<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  before: S | null,
  steps: readonly Step<T>[],
  options: GivenOptions<S>,
): Outcome<S, T> {
  const handled = handle(actor, before, steps, options);
  const next = situation(actor, handled.state, options);
  const then = (expected: Expected<S>): Situation<S, T> => {
    if (typeof expected === "function") throw new TypeError("a specification has no promise to await");
    compare(handled, before, expected);
    return next;
  };
  return {
    ...handled,
    ...next,
    sent: <K extends MessageType>(type: K) =>
      handled.sends.filter((it) => it.type === type).map((it) => it.data as DataIn<K>),
    then,
    thenNothing: () => then({ state: "unchanged", sends: [], timers: [] }),
  };
}

function compare<S extends object>(actual: Handled<S>, before: S | null, expected: Expected<S>): void {
  assert.equal(actual.refusal, expected.refusal, "refusal");
  if (expected.state === "unchanged") assert.equal(actual.state, before, "the state has changed");
  else if (expected.state !== undefined)
    assert.deepEqual(lookedAt(actual.state, expected.state), expected.state);
  if (expected.sends) assert.deepEqual(asExpected(actual.sends, expected.sends), expected.sends);
  if (expected.timers) assert.deepEqual(actual.timers, expected.timers);
}

/** The part of `actual` that a test compares: the fields that it names, and all elements of arrays. */
function lookedAt(actual: unknown, expected: unknown): unknown {
  if (!isObject(actual) || !isObject(expected)) return actual;
  if (!Array.isArray(expected))
    return Object.fromEntries(
      Object.entries(expected).map(([key, it]) => [
        key,
        lookedAt((actual as Record<string, unknown>)[key], it),
      ]),
    );
  if (!Array.isArray(actual) || actual.length !== expected.length) return actual;
  return actual.map((it, i) => lookedAt(it, expected[i]));
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Messages in the detail that the test compares. Unexpected ones by type and subject. */
const asExpected = (sends: readonly Outgoing[], expected: readonly ExpectedSend[]): unknown[] =>
  sends.map(({ type, subject, data }, i) => {
    const wanted = expected[i];
    if (typeof wanted === "string") return type;
    return wanted?.length === 3 ? [type, subject, data] : [type, subject];
  });
