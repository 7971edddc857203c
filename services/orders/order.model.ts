/** Orders as stored: one actor document each. */
import { actorModel } from "../../broker/actor/runtime/actor-model.ts";
import type { OrderState } from "./order.state.ts";

export const orderModel = actorModel<OrderState>("orders");
