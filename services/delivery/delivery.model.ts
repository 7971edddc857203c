/** Deliveries as stored: one actor document each. */
import { actorModel } from "../../broker/actor/runtime/document/actor-model.ts";
import type { DeliveryState } from "./delivery.actor.ts";

export const deliveryModel = actorModel<DeliveryState>("delivery");
