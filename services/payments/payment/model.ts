/** Payments as stored: one actor document each. */
import { actorModel } from "../../../broker/actor/runtime/document/actor-model.ts";
import type { PaymentState } from "./state.ts";

export const paymentModel = actorModel<PaymentState>("payments");
