/** Tickets for the next step of a sign-in, each good once and for a few minutes. */
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";

/** What has been shown: the password, so that a code is missing; or an identity elsewhere, so that nothing is. */
export type TicketKind = "second_factor" | "elsewhere";

export interface Ticket {
  /** Hash of the ticket. */
  _id: string;
  kind: TicketKind;
  userId: string;
  /** A new password makes it void. */
  credentialVersion: number;
  /** Wrong codes so far. */
  tries: number;
  /** Hash of what whoever redeems it must have, too. */
  boundTo?: string;
  expiresAt: Date;
}

const schema = new Schema<Ticket>(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    userId: { type: String, required: true },
    credentialVersion: { type: Number, required: true },
    tries: { type: Number, required: true },
    boundTo: String,
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false },
);

export const ticketModel = defineModel<Ticket>("sign_in_tickets", schema);
