/** What a user does not want to be told. A user without a document gets everything. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { ExtraChannel, OptionalKind } from "./optional-kinds.ts";

export interface Preferences {
  /** The user's id. */
  _id: string;
  off: readonly OptionalKind[];
  /** Channels beside e-mail that the user has asked for. None in documents of earlier versions. */
  channels?: readonly ExtraChannel[];
}

export const preferencesModel = defineModel<Preferences>(
  "preferences",
  new Schema<Preferences>(
    {
      _id: { type: String, required: true },
      off: [String],
      channels: { type: [String], default: undefined },
    },
    { versionKey: false },
  ),
);
