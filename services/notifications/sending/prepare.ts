/** What a notification needs for an attempt: asked of the services that know it, and never stored. */
import type { ParamsIn } from "../../../broker/contract/contract.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { OrderView } from "../../orders/orders.contract.ts";
import type { Facts } from "../letters/compose.ts";
import type { NotificationState } from "../notification/state.ts";
import type { NotificationKind } from "../notifications.schemas.ts";

export interface Addressee {
  /** Null for staff and guests. */
  readonly userId: string | null;
  readonly email: string | null;
  readonly name: string | null;
  /** E.164, where the order has one. */
  readonly phone: string | null;
}

export type Prepared =
  | { readonly addressee: Addressee; readonly facts: Omit<Facts, "unsubscribeUrl"> }
  | { readonly suppressed: string };

export interface PrepareTools {
  readonly call: TypedCall;
  readonly publicUrl: string;
  readonly staffMail: string | null;
}

/** Kinds for staff. */
const FOR_STAFF: readonly NotificationKind[] = ["stock_low", "webhook_disabled"];

/** @throws what the asked services throw; then it may be tried again */
export async function prepare(tools: PrepareTools, state: NotificationState): Promise<Prepared> {
  const { kind, about, recipient } = state;
  const base = { kind, about, name: recipient.name, order: null, url: null };
  if (FOR_STAFF.includes(kind))
    return tools.staffMail === null
      ? { suppressed: "STAFF_MAIL is not set" }
      : { addressee: { userId: null, email: tools.staffMail, name: null, phone: null }, facts: base };
  if (about.orderId !== undefined) return aboutOrder(tools, base, about.orderId);
  const addressee = { ...recipient, phone: null };
  if (about.requestId === undefined) return { addressee, facts: base };
  return withToken(tools, { addressee, facts: base }, about.requestId);
}

async function aboutOrder({ call, publicUrl }: PrepareTools, base: Asked, id: string): Promise<Prepared> {
  const order = await call("orders.next", { id, after: 0, waitMs: 0 });
  if (!order) return { suppressed: "the order is gone" };
  const { customer, shippingAddress } = order;
  const name = customer.name ?? shippingAddress.name;
  return {
    addressee: {
      userId: customer.id,
      email: customer.email,
      name,
      phone: shippingAddress.phoneE164 ?? null,
    },
    facts: { ...base, name, order, url: pageOf(publicUrl, order) },
  };
}

type Asked = Omit<Facts, "unsubscribeUrl">;

/** A guest sees the order by a secret that the shop has only the hash of. So a guest's mail leads to no page. */
const pageOf = (publicUrl: string, { id, customer }: OrderView): string | null =>
  customer.id === null ? null : `${publicUrl}/orders/${id}`;

type Purpose = ParamsIn<"users.issueMailToken">["purpose"];

/** What the secret of a mail is for, and the page that takes it. */
const TOKENS: Partial<Record<NotificationKind, { purpose: Purpose; page: string }>> = {
  verify_email: { purpose: "verify", page: "/account/verify" },
  password_reset: { purpose: "reset", page: "/account/reset" },
  email_change: { purpose: "change_email", page: "/account/email" },
  email_change_notice: { purpose: "change_email", page: "/account/email" },
  invitation: { purpose: "invitation", page: "/account/invitation" },
};

/** A request that is over (used, expired, replaced by another one) is not mailed any more. */
async function withToken(
  { call, publicUrl }: PrepareTools,
  { addressee, facts }: { addressee: Addressee; facts: Asked },
  requestId: string,
): Promise<Prepared> {
  const { userId } = addressee;
  const wanted = TOKENS[facts.kind];
  if (userId === null || !wanted) return { suppressed: "there is no account" };
  try {
    const { token } = await call("users.issueMailToken", { userId, requestId, purpose: wanted.purpose });
    const url = `${publicUrl}${wanted.page}?token=${encodeURIComponent(token)}`;
    return { addressee, facts: { ...facts, url } };
  } catch (error) {
    if (errorCode(error) === "NOT_FOUND") return { suppressed: "the request is over" };
    throw error;
  }
}
