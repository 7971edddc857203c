/** The adapter for e-mails that this shop uses, by its variables. */
import type { Model } from "mongoose";
import { withoutLastSlashes } from "../../../broker/http/public-url.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import { refused } from "../../../broker/resilience/refusals.ts";
import type { MailPort } from "./mail.ts";
import type { KeptMail } from "./mailbox/mailbox.model.ts";
import { mailbox } from "./mailbox/mailbox.ts";
import { type MailboxAddress, mailboxIn } from "./mailbox-address.ts";
import { smtp } from "./smtp.ts";

type Settings = Pick<Config, "NODE_ENV" | "MAIL" | "MAIL_URL" | "MAIL_FROM" | "MAIL_CONCURRENCY">;

/** Whether mails are kept for `/dev/mail` instead of being sent. Never in production. */
export const keepsMails = ({ NODE_ENV, MAIL, MAIL_URL }: Settings): boolean =>
  NODE_ENV !== "production" && MAIL === "on" && MAIL_URL === undefined;

/**
 * A shop in production that was not told where its mails go would lose them.
 * @throws {ConfigError} that names the variable
 */
export function checkMailSettings(config: Settings): void {
  if (config.MAIL === "off") return;
  if (config.NODE_ENV === "production" && config.MAIL_URL === undefined)
    throw refused("MAIL_URL", "must be set in production, or MAIL=off");
  if (config.MAIL_URL !== undefined && config.MAIL_FROM === undefined)
    throw refused("MAIL_FROM", "must be set with MAIL_URL");
}

export const openMail = (config: Settings, mails: Model<KeptMail>): MailPort =>
  config.MAIL_URL === undefined
    ? mailbox(mails)
    : smtp({ url: withoutLastSlashes(config.MAIL_URL), connections: config.MAIL_CONCURRENCY });

/** @param name of the shop, where MAIL_FROM has none */
export function senderOf({ MAIL_FROM }: Settings, name: string): MailboxAddress {
  const given = mailboxIn(MAIL_FROM ?? "shop@shop.example");
  if (!given) throw new TypeError("MAIL_FROM is no address");
  return given.name === "" ? { ...given, name } : given;
}
