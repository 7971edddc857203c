/** Which generation of the reports is shown, and which one is being built. */

import type { Model } from "mongoose";
import { Schema } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import { ReadGroup } from "../../../broker/mongo/read-group.ts";

export const GENERATIONS = "generations";

export interface Generations {
  _id: typeof GENERATIONS;
  live: number;
  /** Null where none is being built. */
  building: number | null;
}

const schema = new Schema<Generations>(
  {
    _id: { type: String, required: true },
    live: { type: Number, required: true },
    building: { type: Number, default: null },
  },
  { versionKey: false },
);

export const generationsModel = defineModel<Generations>("generations", schema);

/** Before the first rebuild. */
export const FIRST: Generations = { _id: GENERATIONS, live: 1, building: null };

/** Reads them as they are now. Reads at the same time are one. */
export function generationsReader(model: Model<Generations>): () => Promise<Generations> {
  const reads = new ReadGroup<Generations>(collectionOf(model));
  return async () => (await reads.get(GENERATIONS)) ?? FIRST;
}

/** Those that events are written to. */
export const written = ({ live, building }: Generations): number[] =>
  building === null ? [live] : [live, building];
