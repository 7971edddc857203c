/** What a step of an order decides, and how it refuses. Pure. */
import type { Decision } from "../../../broker/actor/define-actor.ts";
import type { ErrorCode } from "../../../broker/contract/errors.ts";
import type { OrderState } from "./state.ts";

export type OrderMessage =
  | "order.place"
  | "order.pay"
  | "order.cancel"
  | "order.expire"
  | "stock.reserved"
  | "stock.rejected"
  | "payment.pending"
  | "payment.captured"
  | "payment.failed"
  | "payment.expired"
  | "payment.refunded"
  | "delivery.created"
  | "delivery.shipped"
  | "delivery.succeeded"
  | "delivery.failed"
  | "delivery.cancelled";

export type Decided = Decision<OrderState>;

export const EXPIRY = "expiry";

/** Refuses what was asked for inline. */
export const refuse =
  (code: ErrorCode, why: string) =>
  (state: OrderState): Decided => ({ state, refusal: { code, detail: why } });
