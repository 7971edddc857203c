import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  timer,
} from "../../broker/contract/contract.ts";
import { cursor, email, id, limit, page } from "../../broker/contract/schemas.ts";
import { severalOf } from "../../broker/contract/values/several.ts";
import { notificationsConfig } from "./notifications.config.ts";
import { notificationsErrors } from "./notifications.errors.ts";
import {
  draft,
  notificationChannel,
  notificationKind,
  notificationStatus,
  notificationView,
} from "./notifications.schemas.ts";
import { preferencesView } from "./preferences/optional-kinds.ts";
import { newSubscription, subscriptionList, subscriptionView } from "./push/push.schemas.ts";

const attempt = z
  .int()
  .min(1)
  .meta({ examples: [1] });

const messages = {
  "notification.queue": command("notification", "Tell somebody something, once", draft),
  "notification.send": command(
    "notification",
    "Make an attempt to send it; not a second one under the same number, unless a crash hid the first",
    z.strictObject({ attempt }),
  ),
  "notification.begin": command(
    "notification",
    "An attempt is about to leave: from now on it may have arrived",
    z.strictObject({ attempt }),
  ),
  "notification.report": command(
    "notification",
    "How an attempt ended",
    z.strictObject({
      attempt,
      outcome: z
        .enum(["sent", "retry", "failed", "suppressed", "busy"])
        .meta({ id: "SendingOutcome", description: "How an attempt to send ended" }),
      to: z.string().max(500).nullable(),
      detail: z.string().max(500).nullable(),
    }),
  ),
  "notification.retry": timer("notification", "The pause is over", z.strictObject({ attempt })),
  "notification.failed": event(
    "notification",
    "A notification could not be sent, and is not tried again",
    z.strictObject({
      kind: notificationKind,
      channel: notificationChannel,
      orderId: id.nullable(),
      reason: z
        .string()
        .max(500)
        .meta({ examples: ["550 No such mailbox"] }),
    }),
  ),
};

export const notifications = defineContract({
  service: "notifications",
  config: notificationsConfig,
  errors: notificationsErrors,
  description:
    "What customers and staff are told, by e-mail and other channels, when something has happened.",
  actions: {
    list: action({
      summary: "All notifications, newest first",
      operationId: "listNotifications",
      rest: "GET /notifications",
      auth: "staff",
      scope: "notifications:read",
      params: z.strictObject({
        status: severalOf(notificationStatus)
          .optional()
          .meta({ description: "Only those that are in one of them" }),
        kind: notificationKind.optional().meta({ description: "Only those that tell this" }),
        recipient: email.optional().meta({ description: "Only those that went to this address" }),
        orderId: id.optional().meta({ description: "Only those about this order" }),
        limit,
        cursor,
      }),
      returns: page(notificationView),
    }),
    resend: action({
      summary: "Send a notification again",
      description:
        "A new notification of the same kind to the same recipient, with an id of its own. What it tells is as of now. " +
        "One that is still tried, or whose recipient was erased, is refused.",
      operationId: "resendNotification",
      rest: "POST /notifications/:id/resend",
      auth: "staff",
      scope: "notifications:write",
      status: 201,
      idempotent: "required",
      params: z.strictObject({ id: id.meta({ description: "Id of the notification" }) }),
      returns: notificationView,
      errors: ["NOT_FOUND", "NOT_RESENDABLE"],
    }),
    preferences: action({
      summary: "What the user wants to be told",
      operationId: "getNotificationPreferences",
      rest: "GET /users/me/notifications",
      auth: "customer",
      params: z.strictObject({}),
      returns: preferencesView,
    }),
    replacePreferences: action({
      summary: "Choose what to be told",
      description:
        "`off` is all that the user does not want to be told. What the law, the money or the account's security needs can't " +
        "be switched off. `channels` are those beside e-mail; they stay as they are where it is missing.",
      operationId: "replaceNotificationPreferences",
      rest: "PUT /users/me/notifications",
      auth: "customer",
      params: preferencesView.pick({ off: true, channels: true }).partial({ channels: true }),
      returns: preferencesView,
    }),
    pushSubscriptions: action({
      summary: "The user's browsers that get push messages",
      description: "`publicKey` is the `applicationServerKey` with which another browser subscribes.",
      operationId: "listPushSubscriptions",
      rest: "GET /users/me/push-subscriptions",
      auth: "customer",
      params: z.strictObject({}),
      returns: subscriptionList,
    }),
    addPushSubscription: action({
      summary: "Send push messages to a browser",
      description:
        "The body is what `JSON.stringify` makes of a browser's `PushSubscription`. The user's `channels` get `push`. A user has " +
        "at most ten. A browser that another user had is this one's now.",
      operationId: "addPushSubscription",
      rest: "POST /users/me/push-subscriptions",
      auth: "customer",
      status: 201,
      repeatable: "the same subscription is kept once",
      params: newSubscription,
      returns: subscriptionView,
      errors: ["PUSH_SUBSCRIPTION_LIMIT"],
    }),
    removePushSubscription: action({
      summary: "Send no more push messages to a browser",
      operationId: "removePushSubscription",
      rest: "DELETE /users/me/push-subscriptions/:id",
      auth: "customer",
      params: z.strictObject({ id: id.meta({ description: "Id of the subscription" }) }),
      returns: z.void(),
      errors: ["NOT_FOUND"],
    }),
    unsubscribe: action({
      summary: "End the mails of one kind, by the token of such a mail; for the page /account/unsubscribe",
      params: z.strictObject({ token: z.string().max(512) }),
      returns: z.void(),
      errors: ["INVALID_TOKEN"],
    }),
    mailboxPage: action({
      summary: "The page /dev/mail, or one of its parts: development's mailbox; only for the gateway",
      readOnly: true,
      params: z.strictObject({
        id: z.string().max(36).optional(),
        part: z.enum(["message", "html", "source"]).optional(),
        before: z.string().max(36).optional(),
      }),
      returns: z.strictObject({
        body: z.string(),
        type: z.string(),
        policy: z.string(),
        framed: z.boolean(),
      }),
      errors: ["NOT_FOUND"],
    }),
  },
  messages,
  actors: {
    notification: {
      collection: "notifications",
      receives: ["notification.queue"],
      inline: ["notification.begin", "notification.report"],
    },
  },
  workers: {
    hear: {
      receives: [
        "order.placed",
        "order.paid",
        "order.rejected",
        "order.cancelled",
        "order.expired",
        "order.shipped",
        "order.delivered",
        "order.delivery_failed",
        "order.refunded",
        "payment.processing",
        "return.requested",
        "return.approved",
        "return.refused",
        "return.received",
        "return.refunded",
        "user.registered",
        "user.email_verification_requested",
        "user.email_change_requested",
        "user.email_changed",
        "user.password_reset_requested",
        "user.password_changed",
        "user.invited",
        "stock.low",
        "webhook_endpoint.disabled",
      ],
    },
    deliver: { receives: ["notification.send"] },
    eraseRecipient: { receives: ["user.erased"] },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof notifications> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
