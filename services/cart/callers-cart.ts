/** Which cart a request is about. */
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import type { CartOwner, CartStore } from "./cart-store.ts";

export interface CallersCart {
  /** As clients know it. */
  id: string;
  owner: CartOwner;
}

/**
 * The caller's cart: a user's is known by the user's id. What a user has put in as a guest comes along, as long as
 * the request still names the guest's cart. Null for a guest without a cart.
 */
export async function callersCart(
  carts: Pick<CartStore, "merge">,
  { user, cartId }: CallMeta,
): Promise<CallersCart | null> {
  if (!user) return cartId ? { id: cartId, owner: { guest: cartId } } : null;
  if (cartId) await carts.merge(cartId, user.id);
  return { id: user.id, owner: { user: user.id } };
}
