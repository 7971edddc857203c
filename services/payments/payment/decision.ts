/** The building blocks of a payment's rows. */
import type { Decision, Outgoing } from "../../../broker/actor/define-actor.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { payments } from "../payments.contract.ts";
import type { Payment, PaymentState } from "./state.ts";

export type PaymentMessage = ReceivedBy<typeof payments, "payment">;

export type Decided = Decision<PaymentState>;
export type ProviderReport = Message<"payment.report">;

/** One step of a decision. Further steps may follow. */
export interface Step {
  readonly state: Payment;
  readonly send: readonly Outgoing[];
}

/** A step that changes nothing. */
export const unchanged = (state: Payment): Step => ({ state, send: [] });

/** Applies the next step to the result of a step. */
export function andThen(step: Step, next: (state: Payment) => Step): Step {
  const { state, send } = next(step.state);
  return { state, send: [...step.send, ...send] };
}
