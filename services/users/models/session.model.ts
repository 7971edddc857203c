/** Sessions: one document per login, with hashes of the present refresh tokens. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface Session {
  _id: string;
  userId: string;
  /**
   * Hash of the part that all refresh tokens of the session share. It distinguishes a used token from an invented
   * one.
   */
  verifierHash: string;
  /** Hash of the secret part of the token that may be used next. */
  current: string;
  /** Hash of the previous one. For a few seconds it leads to the same successor. */
  previous?: string;
  /** Makes the present token from the previous token's secret. Useless alone. */
  salt?: string;
  rotatedAt?: Date;
  credentialVersion: number;
  /** Device and address of the last use. */
  userAgent?: string;
  ip?: string;
  createdAt: Date;
  /** End of the session, even if it is used. */
  endsAt: Date;
  /** End of the session unless it is used before (never after `endsAt`). MongoDB removes it some time later. */
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

/** Time of the last use. Tokens are renewed while a session is used. */
export const lastUse = ({ rotatedAt, createdAt }: Session): Date => rotatedAt ?? createdAt;
