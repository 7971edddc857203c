/** What a notification has: as stored and sent, and as shown. */
import { z } from "zod";
import { email, id, money, sku, time } from "../../broker/contract/schemas.ts";
import { orRequired } from "../../broker/contract/sentences.ts";

export const notificationKind = z
  .enum(
    [
      "order_placed",
      "order_processing",
      "order_paid",
      "order_rejected",
      "order_cancelled",
      "order_expired",
      "order_shipped",
      "order_delivered",
      "order_delivery_failed",
      "order_refunded",
      "return_requested",
      "return_approved",
      "return_refused",
      "return_arrived",
      "return_refunded",
      "welcome",
      "verify_email",
      "password_reset",
      "email_change",
      "email_change_notice",
      "email_changed",
      "password_changed",
      "invitation",
      "stock_low",
      "webhook_disabled",
    ],
    { error: orRequired("must be a kind of notification, as the documents list them") },
  )
  .meta({ id: "NotificationKind", description: "What a notification tells" });
export type NotificationKind = z.output<typeof notificationKind>;

export const notificationChannel = z
  .enum(["email", "sms", "push"])
  .meta({ id: "NotificationChannel", description: "By what a notification is sent" });
export type NotificationChannel = z.output<typeof notificationChannel>;

export const notificationStatus = z.enum(["queued", "sending", "sent", "failed", "suppressed"]).meta({
  id: "NotificationStatus",
  description:
    "`queued` waits for its next attempt. `sending` may have reached the recipient. `failed` is not tried again. " +
    "`suppressed` was not wanted, or its cause was gone.",
});
export type NotificationStatus = z.output<typeof notificationStatus>;

/** Who gets it. The address of an order's customer is read from the order at sending time. */
export const recipient = z
  .strictObject({
    userId: id.nullable(),
    email: email.nullable(),
    name: z.string().max(200).nullable(),
  })
  .meta({ id: "NotificationRecipient", description: "Who gets a notification" });

/** What the event said and the notification needs. Everything else is asked for at sending time. */
export const about = z
  .strictObject({
    orderId: id.optional(),
    orderNumber: z.string().max(40).optional(),
    returnId: id.optional(),
    requestId: id.optional(),
    sku: sku.optional(),
    count: z.int().min(0).optional(),
    amount: money.optional(),
    tracking: z.string().max(100).optional(),
    reason: z.string().max(500).optional(),
    url: z.string().max(2_000).optional(),
    expiresAt: time.optional(),
  })
  .meta({ id: "NotificationAbout", description: "What a notification is about" });
export type About = z.output<typeof about>;

export const draft = z
  .strictObject({
    kind: notificationKind,
    channel: notificationChannel,
    recipient,
    about,
    resendOf: id.nullable(),
  })
  .meta({ id: "NotificationDraft", description: "A notification that shall be sent" });
export type Draft = z.output<typeof draft>;

const example = {
  id: "01941b2e-5d00-7a11-8c42-5f2e9b7c4a10",
  kind: "order_paid" as const,
  channel: "email" as const,
  status: "sent" as const,
  to: "ann@example.com",
  userId: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
  orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
  attempts: 1,
  nextAttemptAt: null,
  detail: null,
  sentAt: "2026-11-27T09:31:12.000Z",
  createdAt: "2026-11-27T09:31:10.000Z",
  resendOf: null,
};

export const notificationView = z
  .strictObject({
    id,
    kind: notificationKind,
    channel: notificationChannel,
    status: notificationStatus,
    to: z.string().nullable().meta({
      description: "The address that was used; null before the first attempt, and once it is erased",
    }),
    userId: id.nullable(),
    orderId: id.nullable(),
    attempts: z.int().meta({ description: "Attempts to send it so far" }),
    nextAttemptAt: time.nullable().meta({ description: "When it is tried again" }),
    detail: z.string().nullable().meta({ description: "Why the last attempt failed, or why it is not sent" }),
    sentAt: time.nullable(),
    createdAt: time,
    resendOf: id.nullable().meta({ description: "The notification that staff have sent again" }),
  })
  .meta({
    id: "Notification",
    description: "A message to a person, and how its sending stands",
    examples: [example],
  });
export type NotificationView = z.output<typeof notificationView>;
