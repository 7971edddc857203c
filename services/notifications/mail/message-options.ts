/** A mail in nodemailer's terms. */
import type { SendMailOptions } from "nodemailer";
import { headersOf, type Mail, messageIdOf } from "./mail.ts";
import { headerText } from "./mailbox-address.ts";

const MAX_SUBJECT = 300;

/** @param attachments with their contents, where they are wanted */
export function messageOptions(
  mail: Mail,
  attachments: readonly { filename: string; contentType: string; content: Buffer }[],
): SendMailOptions {
  return {
    from: { ...mail.from },
    to: { name: headerText(mail.to.name, 120), address: mail.to.address },
    subject: headerText(mail.subject, MAX_SUBJECT),
    text: mail.text,
    html: mail.html,
    date: mail.at,
    messageId: `<${messageIdOf(mail)}>`,
    headers: headersOf(mail),
    attachments: [...attachments],
    // Nothing of a mail is a path or an address that the shop would read.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
