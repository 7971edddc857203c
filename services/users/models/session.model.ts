/** Sessions: one document per login, holding hashes of the refresh tokens that are in use. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface Session {
  _id: string;
  userId: string;
  /** Hash of the part that all refresh tokens of the session share: tells a used-up token from a made-up one. */
  verifierHash: string;
  /** Hash of the secret part of the token that may be used next. */
  current: string;
  /** Hash of the one before, good for the same successor for a few seconds. */
  previous?: string;
  /** With the previous token's secret, makes the present one. Worth nothing alone. */
  salt?: string;
  rotatedAt?: Date;
  credentialVersion: number;
  /** What was signed in with and where, as last seen. */
  userAgent?: string;
  ip?: string;
  createdAt: Date;
  /** End of the session, however much it is used. */
  endsAt: Date;
  /** End of the session unless it is used before (never after `endsAt`); MongoDB removes it some time later. */
  expiresAt: Date;
}

const schema = new Schema<Session>(
  {
    _id: { type: String, required: true },
    userId: { type: String, required: true },
    verifierHash: { type: String, required: true },
    current: { type: String, required: true },
    previous: String,
    salt: String,
    rotatedAt: Date,
    credentialVersion: { type: Number, required: true },
    userAgent: String,
    ip: String,
    createdAt: { type: Date, required: true },
    endsAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false },
);

export const sessionModel = defineModel<Session>("sessions", schema);

/** When a session was used last: tokens are renewed while it is. */
export const lastUse = ({ rotatedAt, createdAt }: Session): Date => rotatedAt ?? createdAt;
