/** Kinds that a user may switch off. All others are needed: by law, for the money, or for the account's security. */
import { z } from "zod";

export const optionalKind = z
  .enum(["welcome", "order_processing", "order_shipped", "order_delivered", "order_expired"])
  .meta({ id: "OptionalNotificationKind", description: "What a customer may choose not to be told" });
export type OptionalKind = z.output<typeof optionalKind>;

export const isOptional = (kind: string): kind is OptionalKind => optionalKind.safeParse(kind).success;

export const preferencesView = z
  .strictObject({
    off: z.array(optionalKind).max(20).meta({ description: "What the user gets no e-mails about" }),
    optional: z.array(optionalKind).meta({ description: "What can be switched off" }),
  })
  .meta({
    id: "NotificationPreferences",
    description: "What a user wants to be told",
    examples: [{ off: ["order_delivered"], optional: [...optionalKind.options] }],
  });
