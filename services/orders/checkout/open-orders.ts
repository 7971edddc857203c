/**
 * Which orders a customer has open, and whether there may be one more: pure. An order is entered here, as its request
 * wants it, before it is placed, and leaves when it is seen to be over. So no order is open that is not entered, and
 * whoever finds one that was entered and not placed can place it: its request may be late, or dead.
 */
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { OrderStatus } from "../orders.contract.ts";

/** The order gets its number when it is placed. */
export type Placing = Omit<DataIn<"order.place">, "number">;

export interface OpenOrder {
  /** Id that the order has, or will have. */
  readonly order: string;
  /** Of the cart that was ordered; null for an order from before carts had revisions. */
  readonly revision: number | null;
  /** Units of all lines together. */
  readonly quantity: number;
  /** When it was entered, milliseconds since the epoch. */
  readonly at: number;
  /** How it is to be placed; null for an order from before this was kept, which is placed. */
  readonly place: Placing | null;
}

export interface OpenOrders {
  /** Of the cart that was ordered last. Revisions go up: a claim below it comes from an old look at the cart. */
  readonly revision: number;
  readonly entries: readonly OpenOrder[];
}

export interface Claim extends OpenOrder {
  readonly revision: number;
  readonly place: Placing;
}

export interface OpenOrderLimits {
  /** Open orders of one customer. */
  readonly orders: number;
  /** Units that they may hold together. */
  readonly quantity: number;
}

export type Ruling =
  /** Write this, then place the order. */
  | { kind: "claim"; next: OpenOrders }
  /** An earlier run of this request has entered it: place it as it was to be then. */
  | { kind: "entered"; entry: OpenOrder }
  /** Requests that died long ago: their orders end before they begin, then ask again. */
  | { kind: "abandoned"; entries: OpenOrder[] }
  /** The cart must be looked at again. */
  | { kind: "stale" }
  /** It has been ordered, though perhaps not placed yet. */
  | { kind: "ordered"; entry: OpenOrder }
  | { kind: "too-many"; orders: string[] }
  | { kind: "too-much"; orders: string[]; quantity: number };

/** An order that was entered so long ago and is not there is not wanted any more. */
export const ABANDONED_MS = 60_000;

const UNPAID = new Set<OrderStatus>(["placed", "awaiting_payment"]);
/** These give the cart back. All others have been paid: what they bought leaves the cart, with a new revision. */
const GIVEN_BACK = new Set<OrderStatus>(["rejected", "cancelled", "expired"]);

export const NOTHING_OPEN: OpenOrders = { revision: 0, entries: [] };

/**
 * @param known status of the entries' orders, read after them; one that is missing has not been placed yet
 * @param certain the cart was looked at again, and this is its revision whatever was ordered before
 */
export function rule(
  open: OpenOrders,
  known: ReadonlyMap<string, OrderStatus>,
  claim: Claim,
  limits: OpenOrderLimits,
  certain = false,
): Ruling {
  const own = open.entries.find((it) => it.order === claim.order);
  if (own) return { kind: "entered", entry: own };
  const abandoned = open.entries.filter((it) => !known.has(it.order) && claim.at - it.at >= ABANDONED_MS);
  if (abandoned.length > 0) return { kind: "abandoned", entries: abandoned };
  if (claim.revision < open.revision && !certain) return { kind: "stale" };

  const waiting = open.entries.filter((it) => UNPAID.has(known.get(it.order) ?? "placed"));
  const standing = open.entries.filter((it) => !GIVEN_BACK.has(known.get(it.order) ?? "placed"));
  const same = standing.find((it) => it.revision === claim.revision);
  if (same) return { kind: "ordered", entry: same };

  const orders = waiting.map((it) => it.order);
  const quantity = waiting.reduce((sum, it) => sum + it.quantity, 0);
  if (waiting.length >= limits.orders) return { kind: "too-many", orders };
  if (quantity + claim.quantity > limits.quantity) return { kind: "too-much", orders, quantity };
  return { kind: "claim", next: { revision: claim.revision, entries: [...waiting, claim] } };
}
