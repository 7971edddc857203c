/** The generated token that makes the first admin; gone once it was used. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface BootstrapToken {
  _id: "first-admin";
  /**
   * In clear, because each start must be able to print it while the shop has no admin. Beside it lies the key that
   * signs access tokens, so whoever reads this database needs no token.
   */
  token: string;
}

const schema = new Schema<BootstrapToken>(
  { _id: { type: String, required: true }, token: { type: String, required: true } },
  { versionKey: false },
);

export const bootstrapTokenModel = defineModel<BootstrapToken>("bootstrap_tokens", schema);
