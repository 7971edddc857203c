/**
 * Puts a SKU into a cart. It is a frequent call: one store write, one call to products and one to inventory. The
 * price must be known before the write, and the other lines only after it. So the calls also ask for the SKUs that
 * this node saw in the cart last.
 */
import type { LRUCache } from "lru-cache";
import { SoukError } from "../../broker/contract/errors.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { type Cart, type CartOwner, type CartStore, MAX_LINES } from "./cart-store.ts";
import type { Catalogue } from "./cart-view.ts";
import { type Caller, lookUp, mergeCatalogues } from "./catalogue.ts";

export interface CartTools {
  store: CartStore;
  clock: Clock;
  /** SKUs of carts as last seen on this node. Only a hint. */
  hints: LRUCache<string, readonly string[]>;
}

export interface Put {
  owner: CartOwner;
  /** Id of the cart that clients see. */
  id: string;
  sku: string;
  quantity: number;
}

/** @throws {SoukError} SKU_UNKNOWN, CART_FULL */
export async function putLine(
  { store, clock, hints }: CartTools,
  ctx: Caller,
  { owner, id, sku, quantity }: Put,
): Promise<{ changed: Cart; catalogue: Catalogue }> {
  const asked = new Set([sku, ...(hints.get(id) ?? [])].slice(0, MAX_LINES));
  const known = await lookUp(ctx, [...asked]);
  const offer = known.variants.find((it) => it.sku === sku);
  if (!offer) throw new SoukError("SKU_UNKNOWN", `There is no ${sku} on sale.`);
  const changed = await store.setLine(owner, { sku, quantity, seen: offer.price, addedAt: clock.now() });
  if (changed === "full") throw new SoukError("CART_FULL", `A cart holds at most ${MAX_LINES} lines.`);
  const skus = changed.lines.map((it) => it.sku);
  hints.set(id, skus);
  const missed = skus.filter((it) => !asked.has(it));
  return {
    changed,
    catalogue: missed.length > 0 ? mergeCatalogues(known, await lookUp(ctx, missed)) : known,
  };
}
