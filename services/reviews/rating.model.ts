/** How the published reviews of each product add up. */
import { Schema } from "mongoose";
import { defineModel } from "../../broker/mongo/model.ts";
import type { Histogram } from "./reviews.schemas.ts";

export interface Rating {
  /** Id of the product. */
  _id: string;
  histogram: Histogram;
  /** Counts changes. */
  revision: number;
}

const schema = new Schema<Rating>(
  {
    _id: { type: String, required: true },
    histogram: { type: [Number], required: true },
    revision: { type: Number, required: true },
  },
  { versionKey: false },
);

export const ratingModel = defineModel<Rating>("ratings", schema);

export const noReviews = (): Histogram => [0, 0, 0, 0, 0];
