/** The key that seals secrets in this database, where SEALING_KEY is not set. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface SealingKey {
  _id: "kept";
  /** Base64. In plain text: it protects copies of single collections, and no copy of the whole database. */
  key: string;
}

const schema = new Schema<SealingKey>(
  { _id: { type: String, required: true }, key: { type: String, required: true } },
  { versionKey: false },
);

export const sealingKeyModel = defineModel<SealingKey>("sealing_keys", schema);
