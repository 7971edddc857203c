/**
 * The port for carts. Adapters: MongoDB (mongo-cart-store.ts) and Redis (redis-cart-store.ts), both under one
 * conformance suite. Every method is atomic; a cart goes when it was not changed for CART_TTL.
 */
import { isDeepStrictEqual } from "node:util";
import type { Money } from "../../broker/contract/schemas.ts";

/** Whose cart. Users and guests are kept apart, so a guest's id never addresses a user's cart. */
export type CartOwner = { readonly user: string } | { readonly guest: string };

export interface CartLine {
  readonly sku: string;
  /** 1 to {@link MAX_QUANTITY}. */
  readonly quantity: number;
  /** What one cost when the customer put it in. */
  readonly seen: Money;
  /** When it was put in first, milliseconds since the epoch; lines are in this order. */
  readonly addedAt: number;
}

export type CartLines = readonly CartLine[];

export interface Cart {
  /** Another, larger number after each change of the lines; 0 where there is no cart. */
  readonly revision: number;
  /** Oldest first. */
  readonly lines: CartLines;
}

export const NO_CART: Cart = { revision: 0, lines: [] };

export const MAX_LINES = 100;
export const MAX_QUANTITY = 999;
/** Orders and merged carts that a cart remembers, to apply each once; repeats come within minutes. */
export const REMEMBERED = 50;

export interface CartStore {
  /** {@link NO_CART} for a cart that does not exist. */
  read(owner: CartOwner): Promise<Cart>;
  /**
   * Puts the line in, or replaces quantity and price seen; the same again is no change.
   * @returns the cart then, or `"full"` when nothing was done
   */
  setLine(owner: CartOwner, line: CartLine): Promise<Cart | "full">;
  /** @returns the cart then, or null when it had no such line */
  removeLine(owner: CartOwner, sku: string): Promise<Cart | null>;
  clear(owner: CartOwner): Promise<void>;
  /**
   * Takes what was bought out of a user's cart, once per order; a quantity that was raised since leaves the difference.
   * Remembered also where there is no cart, so that a repeat can't empty a later one.
   */
  dropBought(userId: string, orderId: string, bought: readonly Bought[]): Promise<void>;
  /**
   * Moves a guest's cart into a user's, once however many try. Quantities are added up to {@link MAX_QUANTITY}, the
   * user's own price seen stays; lines beyond {@link MAX_LINES} are left out. Picks up where a crash left it.
   */
  merge(guestId: string, userId: string): Promise<void>;
  /** Closes connections of its own. */
  close(): Promise<void>;
}

export interface Bought {
  readonly sku: string;
  readonly quantity: number;
}

/** What a store counts of a cart. */
export interface Counted {
  /** UUIDv7: a later cart of the same owner has a later one. */
  readonly born: string;
  /** Writes. */
  readonly rev: number;
  /** Of these, writes that left the lines as they were. */
  readonly quiet: number;
}

/**
 * The changes of a cart, counted from the millisecond of its making on: so a cart that comes after one that has
 * expired goes on above it. Older versions of this code count all writes as changes, and spoil nothing.
 */
export const revisionOf = ({ born, rev, quiet }: Counted): number =>
  Number.parseInt(born.replaceAll("-", "").slice(0, 12), 16) + rev - quiet;

export const isSameLines = (a: CartLines, b: CartLines): boolean =>
  a.length === b.length && a.every((it, i) => isDeepStrictEqual(it, b[i]));

/** Lines of a user's cart after a guest's have come in. */
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

/** Lines that are left when these were bought. */
export function withoutBought(lines: CartLines, bought: readonly Bought[]): CartLine[] {
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
