/** Which notifications follow from an event. Pure: so a repeated event gives the same ones, with the same ids. */
import type { Message } from "../../../broker/contract/envelope.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import type { About, Draft, NotificationChannel, NotificationKind } from "../notifications.schemas.ts";
import { SHORT_KINDS } from "../preferences/optional-kinds.ts";

export type Heard = Message<
  typeof import("../notifications.contract.ts").notifications["workers"]["hear"]["receives"][number]
>;

type Recipient = Draft["recipient"];
type Plan = readonly [kind: NotificationKind, recipient: Recipient, about: About];

/** The customer of an order, whose address the order knows. */
const ofOrder = { userId: null, email: null, name: null } as const;
const staff = { userId: null, email: null, name: null } as const;

const ORDER_KINDS = {
  "order.placed": "order_placed",
  "order.paid": "order_paid",
  "order.rejected": "order_rejected",
  "order.cancelled": "order_cancelled",
  "order.expired": "order_expired",
  "order.shipped": "order_shipped",
  "order.delivered": "order_delivered",
  "order.delivery_failed": "order_delivery_failed",
  "order.refunded": "order_refunded",
} as const satisfies Partial<Record<Heard["type"], NotificationKind>>;

const isOrderEvent = (message: Heard): message is Extract<Heard, { type: keyof typeof ORDER_KINDS }> =>
  Object.hasOwn(ORDER_KINDS, message.type);

function planOf(message: Heard): Plan[] {
  if (isOrderEvent(message)) return [orderPlan(message)];
  switch (message.type) {
    case "return.requested":
    case "return.approved":
    case "return.refused":
    case "return.received":
    case "return.refunded":
      return [returnPlan(message)];
    case "payment.processing":
      return [["order_processing", ofOrder, { orderId: message.subject }]];
    case "user.registered":
      return [["welcome", userOf(message.data), {}]];
    case "user.email_verification_requested":
      return [["verify_email", userOf(message.data), requestOf(message.data)]];
    case "user.email_change_requested": {
      const kind = message.data.address === "new" ? "email_change" : "email_change_notice";
      return [[kind, userOf(message.data), requestOf(message.data)]];
    }
    case "user.email_changed": {
      const { previousEmail } = message.data;
      const to = userOf(message.data);
      return [to, { ...to, email: previousEmail }].map((it) => ["email_changed", it, {}] as const);
    }
    case "user.password_reset_requested":
      return [["password_reset", userOf(message.data), requestOf(message.data)]];
    case "user.password_changed":
      return [["password_changed", userOf(message.data), {}]];
    case "user.invited":
      return [["invitation", userOf(message.data), requestOf(message.data)]];
    case "webhook_endpoint.disabled":
      return message.data.reason === "staff" ? [] : [["webhook_disabled", staff, { url: message.data.host }]];
    case "stock.low":
      return [["stock_low", staff, { sku: message.subject, count: message.data.available }]];
  }
}

function orderPlan({ type, subject, data }: Extract<Heard, { type: keyof typeof ORDER_KINDS }>): Plan {
  return [
    ORDER_KINDS[type],
    { ...ofOrder, userId: data.customerId },
    {
      orderId: subject,
      orderNumber: data.number,
      ...("amount" in data && { amount: data.amount }),
      ...("tracking" in data && data.tracking !== null && { tracking: data.tracking }),
      ...("reason" in data && data.reason !== null && { reason: data.reason.slice(0, 500) }),
    },
  ];
}

const RETURN_KINDS = {
  "return.requested": "return_requested",
  "return.approved": "return_approved",
  "return.refused": "return_refused",
  "return.received": "return_arrived",
  "return.refunded": "return_refunded",
} as const;

/** Staff's reason is told where the goods are not taken back. The customer's own is not repeated. */
function returnPlan(message: Extract<Heard, { type: keyof typeof RETURN_KINDS }>): Plan {
  const { type, subject, data } = message;
  return [
    RETURN_KINDS[type],
    { ...ofOrder, userId: data.customerId },
    {
      orderId: subject,
      returnId: data.returnId,
      ...(type === "return.refused" && { reason: data.reason.slice(0, 500) }),
      ...("refund" in data && { amount: data.refund }),
    },
  ];
}

const userOf = ({ userId, email, name }: { userId: string; email: string; name: string }): Recipient => ({
  userId,
  email,
  name,
});

const requestOf = ({ requestId, expiresAt }: { requestId: string; expiresAt: string }): About => ({
  requestId,
  expiresAt,
});

/** The customer who may be told of it by SMS or push; null for guests, and where e-mails are enough. */
export const shortlyToldOf = (message: Heard): string | null =>
  isOrderEvent(message) && SHORT_KINDS.includes(ORDER_KINDS[message.type]) ? message.data.customerId : null;

/**
 * Drafts by their ids. The time of the event leads each id, so that lists by id are lists by time.
 * @param extra channels beside e-mail that the customer has asked for
 */
export function draftsOf(
  message: Heard,
  extra: readonly NotificationChannel[] = [],
): [id: string, draft: Draft][] {
  return planOf(message).flatMap(([kind, recipient, about]) =>
    (["email", ...(SHORT_KINDS.includes(kind) ? extra : [])] as const).map((channel): [string, Draft] => [
      notificationId(message, kind, channel, recipient.email ?? recipient.userId ?? ""),
      { kind, channel, recipient, about, resendOf: null },
    ]),
  );
}

function notificationId({ id, time }: Heard, ...parts: string[]): string {
  const at = Date.parse(time).toString(16).padStart(12, "0");
  return derivedV7(`${at.slice(0, 8)}-${at.slice(8)}`, id, ...parts);
}
