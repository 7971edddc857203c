/** A mail in development's mailbox. */
import { Schema } from "mongoose";
import { defineModel } from "../../../../broker/mongo/model.ts";
import type { MailboxAddress } from "../mailbox-address.ts";

export interface KeptMail {
  /** The notification's, so that a repeated mail is kept once. */
  _id: string;
  kind: string;
  from: MailboxAddress;
  to: MailboxAddress;
  subject: string;
  html: string;
  text: string;
  language: string;
  at: Date;
  attachments: readonly { fileName: string; type: string }[];
  unsubscribeUrl: string | null;
}

const text = { type: String, required: true };
const address = {
  type: new Schema<MailboxAddress>({ name: String, address: text }, { _id: false }),
  required: true,
};

export const mailboxModel = defineModel<KeptMail>(
  "mailbox",
  new Schema<KeptMail>(
    {
      _id: text,
      kind: text,
      from: address,
      to: address,
      subject: text,
      html: text,
      text,
      language: text,
      at: { type: Date, required: true },
      attachments: [new Schema({ fileName: text, type: text }, { _id: false })],
      unsubscribeUrl: { type: String, default: null },
    },
    { versionKey: false },
  ),
);
