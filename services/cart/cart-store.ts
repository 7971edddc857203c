/**
 * The port for carts. Adapters: MongoDB (mongo-cart-store.ts) and Redis (redis-cart-store.ts), with one conformance
 * suite. Every method is atomic. A cart expires when it was not changed for CART_TTL.
 */
import { isDeepStrictEqual } from "node:util";
import type { Money } from "../../broker/contract/schemas.ts";

/** Owner of a cart. Users and guests are separate, so a guest's id never addresses a user's cart. */
export type CartOwner = { readonly user: string } | { readonly guest: string };

export interface CartLine {
  readonly sku: string;
  /** 1 to {@link MAX_QUANTITY}. */
  readonly quantity: number;
  /** The price when the customer added it. */
  readonly seen: Money;
  /** When it was added first, in milliseconds since the epoch. Lines are in this order. */
  readonly addedAt: number;
}

export type CartLines = readonly CartLine[];

export interface Cart {
  /** Grows with each change of the lines. 0 where there is no cart. */
  readonly revision: number;
  /** Oldest first. */
  readonly lines: CartLines;
}

export const NO_CART: Cart = { revision: 0, lines: [] };

export const MAX_LINES = 100;
export const MAX_QUANTITY = 999;
/** How many orders and merged carts a cart remembers, to apply each once. Repeats come within minutes. */
export const REMEMBERED = 50;

export interface CartStore {
  /** {@link NO_CART} for a cart that does not exist. */
  read(owner: CartOwner): Promise<Cart>;
  /**
   * Adds the line, or replaces its quantity and seen price. The same line again is no change.
   * @returns the cart afterwards, or `"full"` when nothing was done
   */
  setLine(owner: CartOwner, line: CartLine): Promise<Cart | "full">;
  /** @returns the cart afterwards, or null when it had no such line */
  removeLine(owner: CartOwner, sku: string): Promise<Cart | null>;
  clear(owner: CartOwner): Promise<void>;
  /**
   * Removes bought items from a cart, once per order. If a quantity was raised since, the difference stays. It
   * is also recorded where there is no cart, so that a repeat can't empty a later one.
   */
  dropBought(owner: CartOwner, orderId: string, bought: readonly PurchasedItem[]): Promise<void>;
  /**
   * Moves a guest's cart into a user's, once, whatever the number of tries. Quantities are added up to
   * {@link MAX_QUANTITY}. The user's own seen price stays. Lines beyond {@link MAX_LINES} are left out. After a crash
   * it continues.
   */
  merge(guestId: string, userId: string): Promise<void>;
  /** Closes the store's own connections. */
  close(): Promise<void>;
}

export interface PurchasedItem {
  readonly sku: string;
  readonly quantity: number;
}

/** A store's counters of a cart. */
export interface Counted {
  /** UUIDv7. A later cart of the same owner has a later one. */
  readonly born: string;
  /** Number of writes. */
  readonly rev: number;
  /** Number of writes that left the lines unchanged. */
  readonly quiet: number;
}

/**
 * The number of changes, counted from the millisecond of the cart's creation. So a cart that follows an expired one
 * continues above it. Older versions of this code count all writes as changes, which does no harm.
 */
export const revisionOf = ({ born, rev, quiet }: Counted): number =>
  Number.parseInt(born.replaceAll("-", "").slice(0, 12), 16) + rev - quiet;

export const isSameLines = (a: CartLines, b: CartLines): boolean =>
  a.length === b.length && a.every((it, i) => isDeepStrictEqual(it, b[i]));

/** Lines of a user's cart after a guest's cart was merged. */
export function mergeLines(own: CartLines, guest: CartLines): CartLine[] {
  const merged = new Map(own.map((it) => [it.sku, it]));
  for (const line of guest) {
    const present = merged.get(line.sku);
    if (!present && merged.size >= MAX_LINES) continue;
    const quantity = Math.min(MAX_QUANTITY, line.quantity + (present?.quantity ?? 0));
    merged.set(line.sku, { ...(present ?? line), quantity });
  }
  return inOrder([...merged.values()]);
}

/** Remaining lines after these were bought. */
export function withoutBought(lines: CartLines, bought: readonly PurchasedItem[]): CartLine[] {
  const left = new Map(lines.map((it) => [it.sku, it]));
  for (const { sku, quantity } of bought) {
    const line = left.get(sku);
    if (!line) continue;
    if (line.quantity > quantity) left.set(sku, { ...line, quantity: line.quantity - quantity });
    else left.delete(sku);
  }
  return [...left.values()];
}

export const inOrder = (lines: CartLine[]): CartLine[] =>
  lines.sort((a, b) => a.addedAt - b.addedAt || (a.sku < b.sku ? -1 : 1));
