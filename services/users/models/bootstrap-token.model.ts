/** The generated token that creates the first admin. It is deleted after its use. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface BootstrapToken {
  _id: "first-admin";
  /**
   * In plain text, because each start must be able to print it while the shop has no admin. The same database has the
   * key that signs access tokens. So anyone who can read it needs no token.
   */
  token: string;
}

const schema = new Schema<BootstrapToken>(
  { _id: { type: String, required: true }, token: { type: String, required: true } },
  { versionKey: false },
);

export const bootstrapTokenModel = defineModel<BootstrapToken>("bootstrap_tokens", schema);
