/** The browsers of a user that get push messages: one document per user, so that their number has a limit. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { BrowserKeys } from "./encrypt.ts";

export interface Subscription {
  id: string;
  /** A secret: who knows it and the keys can write to this browser. */
  endpoint: string;
  keys: BrowserKeys;
  createdAt: Date;
}

export interface Browsers {
  /** The user's id. */
  _id: string;
  items: readonly Subscription[];
}

const text = { type: String, required: true };

export const browsersModel = defineModel<Browsers>(
  "push_subscriptions",
  new Schema<Browsers>(
    {
      _id: text,
      items: [
        new Schema<Subscription>(
          {
            id: text,
            endpoint: text,
            keys: { p256dh: text, auth: text },
            createdAt: { type: Date, required: true },
          },
          { _id: false },
        ),
      ],
    },
    { versionKey: false },
  ),
);
