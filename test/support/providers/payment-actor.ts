/** The payment actor as the configuration's defaults make it. */
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { createPaymentActor } from "../../../services/payments/payment/payment.actor.ts";
import { scheduleOf } from "../../../services/payments/payment/schedule.ts";

export const schedule = scheduleOf(loadConfig({}));
export const paymentActor = createPaymentActor(schedule);
