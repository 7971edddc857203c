/** Stock items as stored: one actor document per SKU. */
import { actorModel } from "../../broker/actor/runtime/document/actor-model.ts";
import type { StockState } from "./stock.actor.ts";

export const stockModel = actorModel<StockState>("stock");
