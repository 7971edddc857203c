/**
 * Development's mailbox: keeps mails in the database, where `/dev/mail` shows them, secrets included. Never in
 * production. It forgets the oldest ones.
 */
import { type Model, trusted } from "mongoose";
import { collectionOf } from "../../../../broker/mongo/documents.ts";
import { writeGroup } from "../../../../broker/mongo/write-group.ts";
import type { MailPort } from "../mail.ts";
import type { KeptMail } from "./mailbox.model.ts";

/** Mails beyond this are forgotten, the oldest first. */
export const MAX_MAILS = 10_000;

export function mailbox(mails: Model<KeptMail>): MailPort {
  return {
    recognisesRepeats: true,
    async send({ id, attachments, ...mail }) {
      await writeGroup(collectionOf(mails)).insertNew({
        _id: id,
        ...mail,
        attachments: attachments.map(({ fileName, type }) => ({ fileName, type })),
      });
      return "kept for /dev/mail";
    },
    async close() {
      // It has nothing open.
    },
  };
}

/** @param max how many stay */
export async function forgetOldMails(mails: Model<KeptMail>, max = MAX_MAILS): Promise<void> {
  const firstTooMany = await mails
    .findOne({}, { _id: 1 })
    .sort({ _id: -1 })
    .skip(max)
    .lean<{ _id: string }>();
  if (firstTooMany) await mails.deleteMany({ _id: trusted({ $lte: firstTooMany._id }) });
}
