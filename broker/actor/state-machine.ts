/** State machines as data: one table per actor. `receive` runs it, docs/ draws it, and tests walk it. */

import type { MessageType } from "../contract/contract.ts";
import type { Message } from "../contract/envelope.ts";
import type { Decision } from "./define-actor.ts";

/** Status of an actor that does not exist yet. */
export const NONE = "none";

/** What happens for one message in one status. */
export interface Row<S, St extends string, T extends MessageType> {
  /** Statuses that `decide` may lead to. Every decision is checked against it. */
  to: readonly (St | typeof NONE)[];
  decide(state: S, message: Message<T>): Decision<S>;
}

/** A row that creates the actor. There is no state yet. */
export interface CreationRow<S, St extends string, T extends MessageType> {
  to: readonly (St | typeof NONE)[];
  decide(state: null, message: Message<T>): Decision<S>;
}

/** The message changes nothing in this status, for the given reason. */
export interface Ignored {
  ignore: string;
}

export interface Machine<S extends { status: string }, T extends MessageType> {
  readonly name: string;
  readonly final: readonly S["status"][];
  readonly table: MachineTable<S, T>;
  receive(state: S | null, message: Message<T>): Decision<S>;
}

export type MachineTable<S extends { status: string }, T extends MessageType> = {
  readonly none: { readonly [K in T]: CreationRow<S, S["status"], K> | Ignored };
} & {
  readonly [St in S["status"]]: { readonly [K in T]: Row<S, St | S["status"], K> | Ignored };
};

/**
 * Makes `receive` from a complete table: every status has a row for every message. So a forgotten case is a compile
 * error, and an ignored message has a stated reason.
 */
export function defineMachine<S extends { status: string }, T extends MessageType>(machine: {
  name: string;
  final: readonly S["status"][];
  table: MachineTable<S, T>;
}): Machine<S, T> {
  return {
    ...machine,
    receive(state, message) {
      const rows = machine.table[(state?.status ?? NONE) as S["status"]] as Record<
        string,
        Row<S, S["status"], T> | Ignored | undefined
      >;
      const row = rows[message.type];
      if (!row) throw new Error(`${machine.name}: no row for ${message.type} in ${state?.status ?? NONE}`);
      if ("ignore" in row) return { state };
      const decision = row.decide(state as S, message);
      const status = decision.state?.status ?? NONE;
      if (!row.to.includes(status))
        throw new Error(
          `${machine.name}: ${message.type} led from ${state?.status ?? NONE} to ${status}, not in its row`,
        );
      return decision;
    },
  };
}
