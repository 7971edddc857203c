/** A cart as a MongoDB document. Pure. */
import { withUnknown } from "../../broker/actor/runtime/document/unknown-fields.ts";
import { newId } from "../../broker/contract/ids.ts";
import { fieldName, nameBehind } from "../../broker/mongo/field-name.ts";
import { type Cart, type CartLine, type CartLines, inOrder, isSameLines, revisionOf } from "./cart-store.ts";

export interface CartDocument {
  _id: string;
  /** Distinguishes this cart from an earlier or later one of the same owner. */
  born: string;
  /** Counts writes. Every write requires the expected number. */
  rev: number;
  /** How many of them left the lines unchanged. */
  quiet?: number;
  count: number;
  /** By SKU, as the name of a field. */
  lines: Record<string, StoredLine>;
  /** The last orders whose purchases were removed, and the last guests' carts that were merged. */
  orders?: string[];
  merged?: string[];
  /** The user whose cart takes over this guest's cart. From then on nothing else changes it. */
  into?: string;
  /** Name of the last write. It shows whose write it was. */
  commit?: string;
  expiresAt: Date;
}

interface StoredLine {
  quantity: number;
  amount: number;
  currency: string;
  addedAt: number;
}

/** The new lines, and other fields that change. */
export type CartChange = { lines: CartLines } & Partial<Pick<CartDocument, "orders" | "merged" | "into">>;

export const newCart = (_id: string): CartDocument => ({
  _id,
  born: newId(),
  rev: 0,
  quiet: 0,
  count: 0,
  lines: {},
  expiresAt: new Date(0),
});

export const toCart = (cart: CartDocument): Cart => ({
  revision: revisionOf({ quiet: 0, ...cart }),
  lines: linesOf(cart),
});

export const linesOf = ({ lines }: Pick<CartDocument, "lines">): CartLine[] =>
  inOrder(
    Object.entries(lines ?? {}).map(([field, { quantity, amount, currency, addedAt }]) => ({
      sku: nameBehind(field),
      quantity,
      seen: { amount, currency },
      addedAt,
    })),
  );

/** The cart after a change, not yet counted as a write. Fields that a newer version keeps in a line stay there. */
export function changed(cart: CartDocument, { lines, ...fields }: CartChange): CartDocument {
  const known = stored(linesOf(cart));
  return {
    ...cart,
    ...fields,
    count: lines.length,
    lines: withUnknown(cart.lines, known, stored(lines)) as CartDocument["lines"],
  };
}

const stored = (lines: CartLines): CartDocument["lines"] =>
  Object.fromEntries(
    lines.map(({ sku, quantity, seen, addedAt }) => [fieldName(sku), { quantity, ...seen, addedAt }]),
  );

/** What an expired cart still is: its lines are gone, and what it remembers stays. */
export const emptied = (cart: CartDocument): CartDocument => ({ ...cart, count: 0, lines: {} });

export const hasSameLines = (a: CartDocument, b: CartDocument): boolean =>
  isSameLines(linesOf(a), linesOf(b));
