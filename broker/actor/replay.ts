/**
 * Rebuilds an actor's state from its messages, with the same pure `receive` that made it. The messages are those that
 * were sent to it, and those that it has applied without a sender.
 *
 * Limits: what an actor sends tells in which order it has applied what caused it. Messages after which it sent nothing
 * stand by their times. A rebuilt state is compared with the stored one, which shows where that was not enough.
 */
import { messageContract } from "../contract/contract.ts";
import type { Envelope, Message } from "../contract/envelope.ts";
import { parseReceived } from "../contract/tolerant.ts";
import type { ActorDefinition } from "./define-actor.ts";

export interface ReplayedStep {
  readonly message: Envelope;
  /** What changed nothing: a refusal, a failure, or a message that does not count in that state. */
  readonly note: string | undefined;
}

export interface Replayed<S> {
  readonly state: S | null;
  readonly steps: readonly ReplayedStep[];
}

/**
 * @param messages all that belong to the actor, in any order; those that it has sent, too
 * @param until milliseconds since the epoch: only what was applied by then
 */
export function replay<S extends object>(
  definition: Pick<ActorDefinition<S>, "type" | "receives" | "receive">,
  id: string,
  messages: readonly Envelope[],
  until = Number.POSITIVE_INFINITY,
): Replayed<S> {
  let state: S | null = null;
  const steps: ReplayedStep[] = [];
  for (const message of inOrder(definition, id, messages, until)) {
    let note: string | undefined;
    try {
      const data = parseReceived(messageContract(message.type).data, message.data, message.type);
      const decision = definition.receive(state, { ...message, data } as Message);
      if (decision.refusal) note = `refused: ${decision.refusal.detail}`;
      else if (decision.state === state) note = "changes nothing";
      else state = decision.state;
    } catch (error) {
      note = `fails: ${error instanceof Error ? error.message : String(error)}`;
    }
    steps.push({ message, note });
  }
  return { state, steps };
}

/** The order in which the actor has applied them, each once. */
function inOrder(
  { type, receives }: Pick<ActorDefinition, "type" | "receives">,
  id: string,
  messages: readonly Envelope[],
  until: number,
): Envelope[] {
  const firstSent = new Map<string, { sequence: number; at: number }>();
  for (const { sender, sequence, causationid, time } of messages) {
    if (sender !== `${type}/${id}` || sequence === undefined || causationid === undefined) continue;
    const known = firstSent.get(causationid);
    if (!known || sequence < known.sequence) firstSent.set(causationid, { sequence, at: Date.parse(time) });
  }
  const received = [...new Map(messages.map((it) => [it.id, it])).values()].filter(
    (it) => it.subject === id && (receives as readonly string[]).includes(it.type),
  );
  const applied = received.filter((it) => (firstSent.get(it.id)?.at ?? Date.parse(it.time)) <= until);
  const sending = applied
    .filter((it) => firstSent.has(it.id))
    .sort((a, b) => (firstSent.get(a.id)?.sequence ?? 0) - (firstSent.get(b.id)?.sequence ?? 0));
  const keys = new Map<string, number>();
  let last = Number.NEGATIVE_INFINITY;
  for (const it of sending) {
    last = Math.max(last, Date.parse(it.time));
    keys.set(it.id, last);
  }
  const keyOf = (it: Envelope) => keys.get(it.id) ?? Date.parse(it.time);
  const silent = applied.filter((it) => !firstSent.has(it.id));
  return [...sending, ...silent].sort((a, b) => keyOf(a) - keyOf(b));
}

/** Paths at which two values differ, with both. */
export function differences(one: unknown, other: unknown, path = ""): string[] {
  if (isObject(one) && isObject(other) && Array.isArray(one) === Array.isArray(other))
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) =>
      differences(Reflect.get(one, key), Reflect.get(other, key), path === "" ? key : `${path}.${key}`),
    );
  const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
  return a === b ? [] : [`${path || "(all)"}: ${a ?? "nothing"} / ${b ?? "nothing"}`];
}

const isObject = (it: unknown): it is object => typeof it === "object" && it !== null;
