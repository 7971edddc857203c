/** What the rows of a payment's table are made of. */
import type { Decision, Outgoing } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { Payment, PaymentState } from "./state.ts";

export type PaymentMessage =
  | "payment.request"
  | "payment.open"
  | "payment.opened"
  | "payment.refused"
  | "payment.open_failed"
  | "payment.report"
  | "payment.check"
  | "payment.retry"
  | "payment.unmatched"
  | "payment.cancel"
  | "payment.refund"
  | "provider.command_failed"
  | "provider.refunded"
  | "provider.refund_pending"
  | "provider.refund_failed";

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
