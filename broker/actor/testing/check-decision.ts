/** Rules for every decision of every actor. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { MessageType } from "../../contract/contract.ts";
import { checkEnvelope, envelopeOf, type Message } from "../../contract/envelope.ts";
import type { ActorDefinition, Decision, Outgoing } from "../define-actor.ts";
import { deepFreeze } from "../runtime/document/freeze.ts";
import { SENT_AT } from "./steps.ts";

const DAY_MS = 86_400_000;

/**
 * Gives `message` to the actor and checks the decision. It is the same a day later and with other random numbers. The
 * input is not changed. The state fits its schema, and each message its contract. A refusal changes nothing.
 * @param state already frozen, see {@link checkState}
 */
export function decide<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  state: S | null,
  message: Message<T>,
): Decision<S> {
  const what = `${actor.type}: ${message.type}`;
  assert.ok(actor.receives.includes(message.type), `${what} is not among what it receives`);
  const decision = actor.receive(state, message);
  const later = aDayLater(() => actor.receive(state, message));
  assert.ok(isDeepStrictEqual(decision, later), `${what} depends on more than state and message`);
  if (decision.state === null) assert.equal(state, null, `${what} would delete the actor`);
  else if (decision.state !== state) checkState(actor, decision.state, what);
  if (decision.refusal) assert.equal(decision.state, state, `${what} is refused, yet changes the state`);
  for (const it of decision.send ?? []) checkSent(it, what);
  for (const it of decision.timers ?? [])
    if ("set" in it) checkTimer(actor, it.message, message.subject, what);
  return decision;
}

/** Freezes a state and checks it against the actor's schema, which must know all fields. */
export function checkState<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  state: S,
  what: string = actor.type,
): S {
  const parsed = actor.state.safeParse(deepFreeze(state));
  assert.ok(
    parsed.success,
    `${what} leads to a state that does not fit its schema: ${parsed.error?.message}`,
  );
  assert.ok(isDeepStrictEqual(plain(parsed.data), plain(state)), `${what}: the schema changes the state`);
  for (const map of actor.maps ?? [])
    for (const key of Object.keys(state[map] as object))
      assert.doesNotMatch(key, /^\$|\./, `${what}: a key of ${map} can't be stored`);
  return state;
}

function checkSent(sent: Outgoing, what: string): void {
  try {
    checkEnvelope(envelopeOf(sent, { source: "/test", at: SENT_AT }));
  } catch (cause) {
    throw new assert.AssertionError({
      message: `${what} sends a ${sent.type} that does not fit: ${String(cause)}`,
    });
  }
}

function checkTimer<S extends object, T extends MessageType>(
  actor: ActorDefinition<S, T>,
  { type, data }: Pick<Outgoing, "type" | "data">,
  subject: string,
  what: string,
): void {
  assert.ok(
    (actor.receives as readonly MessageType[]).includes(type),
    `${what} sets a timer for ${type}, which the actor does not receive`,
  );
  envelopeOf({ type, subject, data }, { source: "/test", at: SENT_AT });
}

/** The stored form of a state: no undefined fields, and plain records. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Runs with another clock. `receive` is synchronous, so no other code is affected. */
function aDayLater<R>(run: () => R): R {
  const Now = globalThis.Date;
  class Later extends Now {
    constructor(...given: [] | [number | string | Date]) {
      super(given.length === 0 ? Now.now() + DAY_MS : given[0]);
    }
    static override now(): number {
      return Now.now() + DAY_MS;
    }
  }
  globalThis.Date = Later as DateConstructor;
  try {
    return run();
  } finally {
    globalThis.Date = Now;
  }
}
