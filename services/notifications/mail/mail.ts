/** The port for e-mails. Adapters: smtp.ts, and mailbox/ for development. */
import type { MailboxAddress } from "./mailbox-address.ts";

export interface Attachment {
  readonly fileName: string;
  readonly type: string;
  /** Made when it is needed. May throw, then the attempt has failed. */
  content(): Promise<Buffer>;
}

export interface Mail {
  /** Of the notification. The same for each attempt, and so is the Message-ID that is made of it. */
  readonly id: string;
  readonly kind: string;
  readonly from: MailboxAddress;
  readonly to: MailboxAddress;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly language: string;
  /** When the notification was made. */
  readonly at: Date;
  readonly attachments: readonly Attachment[];
  /** Where one request ends mails of this kind (RFC 8058). */
  readonly unsubscribeUrl: string | null;
}

export interface MailPort {
  /** Whether a repeated mail is recognised by its id, so that it arrives once whatever crashes. */
  readonly recognisesRepeats: boolean;
  /**
   * @returns what the receiver said
   * @throws {MailRefused} where no repetition helps; anything else may be tried again
   */
  send(mail: Mail): Promise<string>;
  close(): Promise<void>;
}

/** The recipient's server does not want it, now and later. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
}

/** `Message-ID` without the angle brackets. */
export const messageIdOf = ({ id, from }: Pick<Mail, "id" | "from">): string =>
  `${id}@${from.address.slice(from.address.lastIndexOf("@") + 1)}`;

/** Headers beside the usual ones. */
export const headersOf = ({ language, unsubscribeUrl }: Mail): Record<string, string> => ({
  // Nobody's holiday answers these.
  "Auto-Submitted": "auto-generated",
  "X-Auto-Response-Suppress": "All",
  "Content-Language": language,
  ...(unsubscribeUrl !== null && {
    "List-Unsubscribe": `<${unsubscribeUrl}>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  }),
});
