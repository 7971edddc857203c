/** API keys of machines. */
import { Schema } from "mongoose";
import type { Scope } from "../../../broker/contract/contract.ts";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface ApiKey {
  _id: string;
  name: string;
  /** Of its secret, which is not kept. */
  hash: string;
  scopes: Scope[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  /** Written at most once a minute. */
  lastUsedAt?: Date;
}

const schema = new Schema<ApiKey>(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    hash: { type: String, required: true },
    scopes: { type: [String], required: true },
    createdBy: { type: String, required: true },
    createdAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    lastUsedAt: Date,
  },
  { versionKey: false },
);

export const apiKeyModel = defineModel<ApiKey>("api_keys", schema);
