/** Variables of notifications. */
import { z } from "zod";
import {
  type ConfigOf,
  defineConfig,
  duration,
  secret,
  url,
  whole,
} from "../../broker/contract/variables.ts";
import { mailboxIn } from "./mail/mailbox-address.ts";

export const notificationsConfig = defineConfig(
  {
    MAIL: z
      .enum(["on", "off"])
      .default("on")
      .describe("off sends no e-mails and records them as suppressed; production needs MAIL_URL or MAIL=off"),
    MAIL_URL: url("smtp", "smtps").describe(
      "SMTP server for e-mails, for example smtps://user:password@mail.example:465; without it, they are kept for /dev/mail",
    ),
    MAIL_FROM: z
      .string()
      .max(400)
      .refine((it) => mailboxIn(it) !== undefined, "must be an e-mail address, or a name and <address>")
      .optional()
      .describe("Sender of e-mails, for example Souk <shop@example.com>; needed with MAIL_URL"),
    STAFF_MAIL: z
      .string()
      .max(254)
      .refine((it) => mailboxIn(it) !== undefined, "must be an e-mail address")
      .optional()
      .describe("Where e-mails for staff go, such as that stock is low; without it there are none"),
    MAIL_CONCURRENCY: whole(1, 50).default(5).describe("E-mails that a node sends at the same time"),
    SMS_URL: url("https", "http").describe(
      "Twilio's address for SMS, https://api.twilio.com, or that of another one with its interface; without it, there are no SMS",
    ),
    SMS_ACCOUNT: z
      .string()
      .max(100)
      .regex(/^[\w-]+$/, "must be an account's name")
      .optional()
      .describe("Twilio's Account SID; needed with SMS_URL"),
    SMS_TOKEN: secret.optional().describe("Twilio's Auth Token; needed with SMS_URL"),
    SMS_FROM: z
      .string()
      .regex(
        /^(?:\+[1-9][0-9]{4,14}|[A-Za-z0-9 ]{1,11})$/,
        "must be a number in E.164, or a name of at most 11 letters and digits",
      )
      .optional()
      .describe("Sender of SMS: a number in E.164, or a name that Twilio has admitted; needed with SMS_URL"),
    VAPID_PRIVATE_KEY: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes as base64url")
      .optional()
      .describe(
        "Key with which the shop signs its web push messages; without it, one is made and kept in the database. Browsers must subscribe anew when it changes",
      ),
    NOTIFICATIONS_KEPT: duration(180 * 86_400_000)
      .refine((it) => it >= 86_400_000, "must be at least 1d")
      .describe("How long the record of a notification is kept after it was made"),
  },
  ["MAIL_URL", "SMS_TOKEN", "VAPID_PRIVATE_KEY"],
);

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof notificationsConfig> {}
}
