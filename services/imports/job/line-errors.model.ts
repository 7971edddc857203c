/** What was wrong with lines of files. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface StoredLineError {
  /** Import, line and number in the line, so that they sort by line and a repeated step enters each once. */
  _id: string;
  importId: string;
  line: number;
  column: number | null;
  field: string | null;
  message: string;
  at: Date;
}

const schema = new Schema<StoredLineError>(
  {
    _id: { type: String, required: true },
    importId: { type: String, required: true },
    line: { type: Number, required: true },
    column: { type: Number, default: null },
    field: { type: String, default: null },
    message: { type: String, required: true },
    at: { type: Date, required: true },
  },
  { versionKey: false },
);

export const lineErrorModel = defineModel<StoredLineError>("line_errors", schema);
