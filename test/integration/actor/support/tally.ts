/** Actors that count. A sender of 1, 2, 3 … can see afterwards what was lost, repeated or reordered. */
import { z } from "zod";
import { type ActorDefinition, defineActor } from "../../../../broker/actor/define-actor.ts";
import { command, defineContract, type MessagesOf } from "../../../../broker/contract/contract.ts";

const n = z.int().min(1);

const messages = {
  "tally.left": command("tallyleft", "Count", z.strictObject({ n })),
  "tally.right": command("tallyright", "Count", z.strictObject({ n })),
};

export const tally = defineContract({
  service: "tally",
  actions: {},
  messages,
  actors: { tallyleft: { receives: ["tally.left"] }, tallyright: { receives: ["tally.right"] } },
});

declare module "../../../../broker/contract/contract.ts" {
  interface Messages extends MessagesOf<typeof messages> {}
}

const state = z.strictObject({
  count: z.int(),
  sum: z.int(),
  last: z.int(),
  /** How often a number came after a higher one. */
  disorder: z.int(),
});
export type TallyState = z.output<typeof state>;

export const SIDES = ["left", "right"] as const;
export type Side = (typeof SIDES)[number];

export function tallyActor(side: Side): ActorDefinition<TallyState, `tally.${Side}`> {
  return defineActor(tally, `tally${side}`, {
    state,
    receive(before, message) {
      const { count, sum, last, disorder } = before ?? { count: 0, sum: 0, last: 0, disorder: 0 };
      const { n } = message.data;
      return {
        state: {
          count: count + 1,
          sum: sum + n,
          last: Math.max(last, n),
          disorder: disorder + (n < last ? 1 : 0),
        },
      };
    },
  });
}
