/** What a user does not want to be told. A user without a document gets everything. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { OptionalKind } from "./optional-kinds.ts";

export interface Preferences {
  /** The user's id. */
  _id: string;
  off: readonly OptionalKind[];
}

export const preferencesModel = defineModel<Preferences>(
  "preferences",
  new Schema<Preferences>({ _id: { type: String, required: true }, off: [String] }, { versionKey: false }),
);
