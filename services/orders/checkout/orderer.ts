/** Who orders: a signed-in customer, or a guest with a cart and an e-mail address. */
import { createHash } from "node:crypto";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { callerId } from "../caller.ts";
import { tokenHash } from "../order-token.ts";

export interface Guest {
  readonly cartId: string;
  readonly email: string;
}

export interface Orderer {
  /** Of a guest, derived from the cart. No account has it. */
  readonly customerId: string;
  readonly guest?: Guest;
}

interface Asked {
  readonly params: { email?: string | undefined; addressId?: string | undefined };
  readonly meta: Pick<CallMeta, "user" | "cartId">;
}

/** @throws SoukError UNAUTHENTICATED without any; CART_EMPTY for a guest without a cart; VALIDATION_FAILED */
export function ordererOf({ params: { email, addressId }, meta }: Asked): Orderer {
  if (meta.user || email === undefined) {
    const customerId = callerId({ meta });
    if (email !== undefined) throw wrong("email", "is for guests; the account has one");
    return { customerId };
  }
  if (addressId !== undefined) throw wrong("addressId", "guests have no saved addresses");
  if (meta.cartId === undefined) throw new SoukError("CART_EMPTY", "A guest's cart is named by X-Cart-Id.");
  return { customerId: derivedV7(meta.cartId, "guest"), guest: { cartId: meta.cartId, email } };
}

/**
 * The secret by which a guest sees the order. A repeated run of the request makes the same one, so it is derived: from
 * what only the guest's client knows, the cart and the key of the request.
 */
export const orderToken = (orderId: string, { cartId = "", idempotencyKey = "" }: CallMeta): string =>
  createHash("sha256")
    .update(["order token", orderId, cartId, idempotencyKey].join("\0"))
    .digest("base64url");

/** What the order keeps of its guest. */
export const guestOf = ({ guest }: Orderer, orderId: string, meta: CallMeta) =>
  guest ? { guest: { cartId: guest.cartId, tokenHash: tokenHash(orderToken(orderId, meta)) } } : {};

const wrong = (field: string, message: string): SoukError =>
  new SoukError("VALIDATION_FAILED", `${field}: ${message}`, { errors: [{ field, message }] });
