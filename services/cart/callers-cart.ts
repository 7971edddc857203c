/** Which cart a request is about. */
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import type { CartOwner, CartStore } from "./cart-store.ts";

export interface CallersCart {
  /** The id that clients see. */
  id: string;
  owner: CartOwner;
}

/**
 * The caller's cart. A user's cart has the user's id. As long as the request names a guest's cart, its items move to
 * the user's cart. Null for a guest without a cart.
 */
export async function callersCart(
  carts: Pick<CartStore, "merge">,
  { user, cartId }: CallMeta,
): Promise<CallersCart | null> {
  if (!user) return cartId ? { id: cartId, owner: { guest: cartId } } : null;
  if (cartId) await carts.merge(cartId, user.id);
  return { id: user.id, owner: { user: user.id } };
}
