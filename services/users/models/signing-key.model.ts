/** Keys with which access tokens are, were or will be signed. */
import type { JWK } from "jose";
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface SigningKey {
  /** `generated-<n>` for keys made here, the thumbprint for a key from JWT_PRIVATE_KEY. */
  _id: string;
  /** RFC 7638 thumbprint. */
  kid: string;
  publicJwk: JWK;
  /** PKCS 8 in PEM; absent for a key from JWT_PRIVATE_KEY, which stays in the environment. */
  privateKey?: string;
  /** Verifiers learn a key before tokens are signed with it. */
  activeFrom: Date;
  /** When no valid token can be signed with it any more. Absent for the newest. */
  expiresAt?: Date;
}

const schema = new Schema<SigningKey>(
  {
    _id: { type: String, required: true },
    kid: { type: String, required: true },
    publicJwk: { type: Schema.Types.Mixed, required: true },
    privateKey: String,
    activeFrom: { type: Date, required: true },
    expiresAt: Date,
  },
  { versionKey: false },
);

export const signingKeyModel = defineModel<SigningKey>("signing_keys", schema);
