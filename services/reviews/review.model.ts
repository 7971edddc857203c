/** Reviews as stored. */
import { Schema } from "mongoose";
import type { OutboxDocument } from "../../broker/mongo/document-outbox.ts";
import { defineModel } from "../../broker/mongo/model.ts";
import type { ReviewStatus } from "./reviews.schemas.ts";

export interface Review extends OutboxDocument {
  productId: string;
  /** Null when the account is gone, and of a deleted review. */
  customerId: string | null;
  /** `slotOf` customer and product. Unique: one review each. A deleted one has left it. */
  slot?: string;
  author: string | null;
  rating: number;
  title: string | null;
  text: string;
  /** A deleted one stays without its content, until its event has been sent for sure. */
  status: ReviewStatus | "deleted";
  reason: string | null;
  verified: boolean;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  /** When a deleted one is removed. */
  purgeAt?: Date;
}

/** One that can be read. */
export type LiveReview = Review & { status: ReviewStatus };

const schema = new Schema<Review>(
  {
    _id: { type: String, required: true },
    productId: { type: String, required: true },
    customerId: { type: String, default: null },
    slot: String,
    author: { type: String, default: null },
    rating: { type: Number, required: true },
    title: { type: String, default: null },
    text: { type: String, default: "" },
    status: { type: String, required: true },
    reason: { type: String, default: null },
    verified: { type: Boolean, required: true },
    version: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    purgeAt: Date,
    outbox: { type: [Schema.Types.Mixed], default: undefined },
  },
  { versionKey: false, minimize: false },
);

export const reviewModel = defineModel<Review>("reviews", schema);

export const slotOf = (customerId: string, productId: string): string => `${customerId}/${productId}`;

export const isLive = (it: Review): it is LiveReview => it.status !== "deleted";
