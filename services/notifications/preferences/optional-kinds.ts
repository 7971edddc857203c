/** Kinds that a user may switch off. All others are needed: by law, for the money, or for the account's security. */
import { z } from "zod";
import type { NotificationKind } from "../notifications.schemas.ts";

export const optionalKind = z
  .enum(["welcome", "order_processing", "order_shipped", "order_delivered", "order_expired"])
  .meta({ id: "OptionalNotificationKind", description: "What a customer may choose not to be told" });
export type OptionalKind = z.output<typeof optionalKind>;

export const isOptional = (kind: string): kind is OptionalKind => optionalKind.safeParse(kind).success;

/** Everybody is told by e-mail. These are for those who ask for them. */
export const extraChannel = z
  .enum(["sms", "push"])
  .meta({ id: "ExtraNotificationChannel", description: "By what a customer may be told, beside e-mail" });
export type ExtraChannel = z.output<typeof extraChannel>;

/** What is told by the extra channels too: in one sentence, and only of orders. */
export const SHORT_KINDS: readonly NotificationKind[] = ["order_paid", "order_shipped", "order_delivered"];

export const preferencesView = z
  .strictObject({
    off: z.array(optionalKind).max(20).meta({ description: "What the user is not told" }),
    channels: z
      .array(extraChannel)
      .max(5)
      .meta({ description: "By what the user is told of paid, shipped and delivered orders, beside e-mail" }),
    optional: z.array(optionalKind).meta({ description: "What can be switched off" }),
    offered: z.array(extraChannel).meta({ description: "The channels beside e-mail that this shop has" }),
  })
  .meta({
    id: "NotificationPreferences",
    description: "What a user wants to be told",
    examples: [
      {
        off: ["order_delivered"],
        channels: ["push"],
        optional: [...optionalKind.options],
        offered: ["push"],
      },
    ],
  });
