/** What the rows of a payment's table are made of. */
import type { Decision, Outgoing } from "../../../broker/actor/define-actor.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { payments } from "../payments.contract.ts";
import type { Payment, PaymentState } from "./state.ts";

export type PaymentMessage = ReceivedBy<typeof payments, "payment">;

export type Decided = Decision<PaymentState>;
export type ProviderReport = Message<"payment.report">;

/** A decision about a payment that is not the last word of its message: further ones follow it. */
export interface Step {
  readonly state: Payment;
  readonly send: readonly Outgoing[];
}

/** Nothing changed (yet). */
export const still = (state: Payment): Step => ({ state, send: [] });

/** Goes on from a step with what it left. */
export function then(step: Step, next: (state: Payment) => Step): Step {
  const { state, send } = next(step.state);
  return { state, send: [...step.send, ...send] };
}
