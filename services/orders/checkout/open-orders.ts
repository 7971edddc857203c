/**
 * Which orders a customer has open, and whether one more is allowed. Pure. An order is entered here, with all its
 * data, before it is placed. Its entry is removed once the order has ended. So every open order has an entry. Any
 * request that finds an entry without an order may place it. The request that made the entry may be late or dead.
 */
import type { DataIn } from "../../../broker/contract/contract.ts";
import type { OrderStatus } from "../orders.contract.ts";

/** The order gets its number when it is placed. */
export type OrderDraft = Omit<DataIn<"order.place">, "number">;

export interface OpenOrder {
  /** Id that the order has, or will have. */
  readonly order: string;
  /** Revision of the ordered cart. Null for an order from before carts had revisions. */
  readonly revision: number | null;
  /** Units of all lines together. */
  readonly quantity: number;
  /** When it was entered, milliseconds since the epoch. */
  readonly at: number;
  /** The data of the order. Null for an order from before this was stored; that order is placed. */
  readonly place: OrderDraft | null;
}

export interface OpenOrders {
  /**
   * Revision of the cart that was ordered last. Revisions grow. A claim with a smaller one comes from an old read.
   */
  readonly revision: number;
  readonly entries: readonly OpenOrder[];
}

export interface Claim extends OpenOrder {
  readonly revision: number;
  readonly place: OrderDraft;
}

export interface OpenOrderLimits {
  /** Open orders of one customer that wait for the customer. */
  readonly orders: number;
  /** Units that they may hold together. */
  readonly quantity: number;
}

export type ClaimDecision =
  /** Write this, then place the order. */
  | { kind: "claim"; next: OpenOrders }
  /** An earlier run of this request has entered it. Place it with the data of that run. */
  | { kind: "entered"; entry: OpenOrder }
  /** Requests that died long ago. End their orders first, then decide again. */
  | { kind: "abandoned"; entries: OpenOrder[] }
  /** Read the cart again. */
  | { kind: "stale" }
  /** The cart has been ordered, though perhaps the order is not placed yet. */
  | { kind: "ordered"; entry: OpenOrder }
  | { kind: "too-many"; orders: string[] }
  | { kind: "too-much"; orders: string[]; quantity: number };

/** An entry of this age without an order is not wanted any more. */
export const ABANDONED_MS = 60_000;

/** Status of an order; apart, those that wait for a bank and not for their customer. */
export type Standing = OrderStatus | "payment_processing";

const UNPAID = new Set<Standing>(["placed", "awaiting_payment", "payment_processing"]);
/**
 * Orders with these statuses give the cart back. All others were paid: the bought items leave the cart, with a new
 * revision.
 */
const GIVEN_BACK = new Set<Standing>(["rejected", "cancelled", "expired"]);

/** Whether an order with this status waits for its payment. */
export const isWaiting = (status: Standing): boolean => UNPAID.has(status);
/**
 * Whether it waits for its customer. For one that waits for a bank the customer has done everything. Its units still
 * count, because a payment that fails days later must not hold any number of them.
 */
export const isPayable = (status: Standing): boolean => isWaiting(status) && status !== "payment_processing";

export const NOTHING_OPEN: OpenOrders = { revision: 0, entries: [] };

/**
 * @param known status of the entries' orders, read after them; a missing one has not been placed yet
 * @param certain the cart was read again, and this is its revision whatever was ordered before
 */
export function decideClaim(
  open: OpenOrders,
  known: ReadonlyMap<string, Standing>,
  claim: Claim,
  limits: OpenOrderLimits,
  certain = false,
): ClaimDecision {
  const own = open.entries.find((it) => it.order === claim.order);
  if (own) return { kind: "entered", entry: own };
  const abandoned = open.entries.filter((it) => !known.has(it.order) && claim.at - it.at >= ABANDONED_MS);
  if (abandoned.length > 0) return { kind: "abandoned", entries: abandoned };
  if (claim.revision < open.revision && !certain) return { kind: "stale" };

  const waiting = open.entries.filter((it) => UNPAID.has(known.get(it.order) ?? "placed"));
  const standing = open.entries.filter((it) => !GIVEN_BACK.has(known.get(it.order) ?? "placed"));
  // A cart that has gone back behind a revision that was ordered has lost changes, as with a Redis that failed. What it
  // shows now may be a part of that order.
  const same =
    standing.find((it) => it.revision === claim.revision) ??
    waiting.find((it) => it.revision !== null && it.revision > claim.revision);
  if (same) return { kind: "ordered", entry: same };

  const orders = waiting.map((it) => it.order);
  const payable = waiting.filter((it) => isPayable(known.get(it.order) ?? "placed")).map((it) => it.order);
  const quantity = waiting.reduce((sum, it) => sum + it.quantity, 0);
  if (payable.length >= limits.orders) return { kind: "too-many", orders: payable };
  if (quantity + claim.quantity > limits.quantity) return { kind: "too-much", orders, quantity };
  return { kind: "claim", next: { revision: claim.revision, entries: [...waiting, claim] } };
}
