/** Reports that did not fit, for staff to investigate. The id is that of the report, so each is recorded once. */
import { Schema } from "mongoose";
import type { DataOut } from "../../broker/contract/contract.ts";
import { defineModel } from "../../broker/mongo/model.ts";

export type Anomaly = Omit<DataOut<"payment.anomaly">, "id"> & { _id: string };

const money = new Schema({ amount: Number, currency: String }, { _id: false, id: false });

const schema = new Schema<Anomaly>(
  {
    _id: { type: String, required: true },
    paymentId: { type: String, default: null },
    orderId: { type: String, default: null },
    provider: { type: String, required: true },
    providerRef: { type: String, default: null },
    kind: { type: String, required: true },
    expected: { type: money, default: null },
    reported: { type: money, default: null },
    at: { type: String, required: true },
  },
  { versionKey: false },
);

export const anomalyModel = defineModel<Anomaly>("anomalies", schema);
