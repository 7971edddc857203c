/** Requests of staff that change something: written before the action runs, completed with its outcome. */
import { Schema } from "mongoose";
import type { OutboxDocument } from "../../../broker/mongo/document-outbox.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { StaffAct, StaffOutcome } from "../contract/staff.messages.ts";

export interface RecordedAct extends OutboxDocument {
  act: StaffAct;
  outcome: "attempted" | StaffOutcome;
  /** When its gateway announced it, by this service's clock. */
  recordedAt: Date;
  /** Whoever keeps acts has the message by then. Absent while the outcome is not known. */
  expiresAt?: Date;
}

const schema = new Schema<RecordedAct>(
  {
    _id: { type: String, required: true },
    act: { type: Schema.Types.Mixed, required: true },
    outcome: { type: String, required: true },
    recordedAt: { type: Date, required: true },
    expiresAt: Date,
    outbox: { type: [Schema.Types.Mixed], default: undefined },
  },
  { versionKey: false, minimize: false },
);

export const staffActModel = defineModel<RecordedAct>("staff_acts", schema);
