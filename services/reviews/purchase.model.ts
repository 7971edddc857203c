/** What was delivered to whom, so that a review knows whether its author has had the product. */
import { Schema } from "mongoose";
import { defineModel } from "../../broker/mongo/model.ts";

export interface Purchase {
  /** `slotOf` customer and product. */
  _id: string;
  customerId: string;
  /** The first order that was delivered. */
  orderId: string;
}

const schema = new Schema<Purchase>(
  {
    _id: { type: String, required: true },
    customerId: { type: String, required: true },
    orderId: { type: String, required: true },
  },
  { versionKey: false },
);

export const purchaseModel = defineModel<Purchase>("purchases", schema);
