/** What a step of an order decides, and how it refuses. Pure. */
import type { Decision, TimerChange } from "../../../broker/actor/define-actor.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { ErrorCode } from "../../../broker/contract/errors.ts";
import type { orders } from "../orders.contract.ts";
import type { OrderState } from "./state.ts";

export type OrderMessage = ReceivedBy<typeof orders, "order">;

export type Decided = Decision<OrderState>;

export const EXPIRY = "expiry";

/** @param due milliseconds since the epoch; a time that is set already moves */
export const expiresAt = (due: number): TimerChange => ({
  set: EXPIRY,
  message: { type: "order.expire", data: {} },
  due,
});

/** Refuses an inline message. */
export const refuse =
  (code: ErrorCode, why: string) =>
  (state: OrderState): Decided => ({ state, refusal: { code, detail: why } });
