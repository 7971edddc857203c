/** Orders as stored: one actor document each. */
import { actorModel } from "../../../broker/actor/runtime/document/actor-model.ts";
import type { OrderState } from "./state.ts";

export const orderModel = actorModel<OrderState>("orders");
