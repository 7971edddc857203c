/** Payments as stored: one actor document each. */
import { actorModel } from "../../broker/actor/runtime/actor-model.ts";
import type { PaymentState } from "./payment.state.ts";

export const paymentModel = actorModel<PaymentState>("payments");
