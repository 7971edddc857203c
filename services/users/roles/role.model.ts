/** Roles: named sets of scopes, by their names. */
import { Schema } from "mongoose";
import type { Scope } from "../../../broker/contract/contract.ts";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface StaffRole {
  /** The role's name. */
  _id: string;
  description: string;
  scopes: Scope[];
  updatedAt: Date;
}

const schema = new Schema<StaffRole>(
  {
    _id: { type: String, required: true },
    description: { type: String, default: "" },
    scopes: { type: [String], required: true },
    updatedAt: { type: Date, required: true },
  },
  { versionKey: false },
);

export const roleModel = defineModel<StaffRole>("roles", schema);
