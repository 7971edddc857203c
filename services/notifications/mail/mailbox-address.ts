/** Names and addresses in headers of e-mails. */
import { canonicalEmail } from "../../../broker/contract/values/email.ts";
import { cleanLine } from "../../../broker/contract/values/text.ts";

export interface MailboxAddress {
  readonly name: string;
  readonly address: string;
}

const MAX_NAME = 120;

/** An address, or a name and an address in angle brackets. @returns undefined for what is neither */
export function mailboxIn(text: string): MailboxAddress | undefined {
  const line = text.trim();
  const open = line.lastIndexOf("<");
  const address = open >= 0 && line.endsWith(">") ? line.slice(open + 1, -1) : line;
  const name = open >= 0 ? line.slice(0, open).trim() : "";
  return canonicalEmail(address) === undefined ? undefined : { name: headerText(name, MAX_NAME), address };
}

/**
 * Text that stays inside its header: one line, without control characters.
 * @param max characters; more are cut off
 */
export const headerText = (text: string, max: number): string =>
  Array.from(cleanLine(text.slice(0, 4 * max).replace(/\p{Cc}+/gu, " ")))
    .slice(0, max)
    .join("")
    .trim();
