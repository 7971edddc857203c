/** Variables of notifications. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration, url, whole } from "../../broker/contract/variables.ts";
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
    NOTIFICATIONS_KEPT: duration(180 * 86_400_000)
      .refine((it) => it >= 86_400_000, "must be at least 1d")
      .describe("How long the record of a notification is kept after it was made"),
  },
  ["MAIL_URL"],
);

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof notificationsConfig> {}
}
