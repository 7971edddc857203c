import { actorModel } from "souk";
import type { PointsState } from "./points.actor.ts";

export const pointsModel = actorModel<PointsState>("points");
