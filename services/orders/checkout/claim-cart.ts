/** Claims a cart for an order, within the customer's limits, before the order is placed. */
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { pauseAfterRace } from "../../../broker/resilience/pause-after-race.ts";
import type { OrderMessage } from "../order/decision.ts";
import type { OrderState } from "../order/state.ts";
import type { ClaimNumber } from "./claim-number.ts";
import type { OpenOrdersRead, OpenOrdersStore } from "./open-orders.store.ts";
import {
  type Claim,
  type ClaimDecision,
  decideClaim,
  type OpenOrder,
  type OpenOrderLimits,
  type OpenOrders,
} from "./open-orders.ts";

export interface ClaimTools {
  host: Pick<ActorHost<OrderState, OrderMessage>, "apply" | "read">;
  openOrders: OpenOrdersStore;
  claimNumber: ClaimNumber;
  limits: OpenOrderLimits;
}

/** An entry, with the order's number where this request has claimed it. */
export interface EnteredOrder extends OpenOrder {
  readonly number?: string;
}

const MAX_TRIES = 20;

/**
 * @param first the customer's open orders as just read
 * @param certain see {@link decideClaim}
 * @returns the entry to place now; null if the cart was read too long ago
 * @throws SoukError CART_ALREADY_ORDERED, TOO_MANY_OPEN_ORDERS, OPEN_QUANTITY_EXCEEDED
 */
export async function claimCart(
  tools: ClaimTools,
  claim: Claim,
  first: OpenOrdersRead,
  certain: boolean,
): Promise<EnteredOrder | null> {
  const { openOrders, limits } = tools;
  const { customerId } = claim.place;
  let present = first;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (tries > 0) present = await openOrders.read(customerId);
    const decision = decideClaim(present.open, present.known, claim, limits, certain);
    switch (decision.kind) {
      case "entered":
        return withTimeToPay(decision.entry, claim);
      case "stale":
        return null;
      case "claim": {
        const entered = await enter(tools, present.version, decision.next, claim);
        if (entered) return entered;
        break;
      }
      case "abandoned":
        for (const it of decision.entries) await abandon(tools, it);
        break;
      default:
        if (decision.kind === "ordered" && !present.known.has(decision.entry.order))
          await place(tools, decision.entry);
        throw refusal(decision, limits);
    }
    await pauseAfterRace(tries + 1);
  }
  throw new SoukError("UNAVAILABLE", "The customer orders many things at once.", { retryAfter: 1 });
}

/**
 * Enters an order, and claims its number meanwhile, which saves a step. A number of an order that is not entered
 * stays claimed. @returns null where it was not entered, or may have been, which the next read shows
 */
async function enter(
  { openOrders, claimNumber }: ClaimTools,
  version: number,
  next: OpenOrders,
  claim: Claim,
): Promise<EnteredOrder | null> {
  const [entered, number] = await Promise.all([
    openOrders.write(claim.place.customerId, version, next),
    claimNumber(claim.order),
  ]);
  return entered ? { ...claim, number } : null;
}

/** An earlier run may be long ago. */
const withTimeToPay = (entry: OpenOrder, { place: { expiresAt } }: Claim): OpenOrder =>
  entry.place ? { ...entry, place: { ...entry.place, expiresAt } } : entry;

/** Places what is entered, by any request: the order is the same. An existing order stays unchanged. */
export async function place(
  { host, claimNumber }: Pick<ClaimTools, "host" | "claimNumber">,
  { order, place, number }: EnteredOrder,
  traceparent?: string,
): Promise<Snapshot<OrderState>> {
  if (place) {
    const numbered = { ...place, number: number ?? (await claimNumber(order)) };
    return host.apply(order, "order.place", numbered, traceparent ? { traceparent } : {});
  }
  const placed = await host.read(order);
  if (!placed) throw new Error(`order ${order} was there when it was entered, and is gone`);
  return placed;
}

/** Creates the order and ends it. An order that exists can't be created later by a late request. */
async function abandon(tools: ClaimTools, entry: OpenOrder): Promise<void> {
  const { id, state } = await place(tools, entry);
  if (state.status !== "placed") return;
  const reason = "its request did not come to an end";
  try {
    await tools.host.apply(id, "order.cancel", { by: state.customerId, reason });
  } catch (error) {
    // The request was only late. By now the order is paid or has ended.
    if (errorCode(error) !== "ORDER_NOT_CANCELLABLE") throw error;
  }
}

function refusal(
  it: Extract<ClaimDecision, { kind: "ordered" | "too-many" | "too-much" }>,
  limits: OpenOrderLimits,
): SoukError {
  if (it.kind === "ordered")
    return new SoukError(
      "CART_ALREADY_ORDERED",
      "The cart has been ordered as it is. Pay or cancel that order, or change the cart.",
      { members: { orderId: it.entry.order } },
    );
  const members = { orderIds: it.orders };
  if (it.kind === "too-many")
    return new SoukError(
      "TOO_MANY_OPEN_ORDERS",
      `${limits.orders} orders may wait for their payment at a time. Pay or cancel one of them first.`,
      { members },
    );
  return new SoukError(
    "OPEN_QUANTITY_EXCEEDED",
    `Orders that wait for their payment may hold ${limits.quantity} units together; ${it.quantity} of them are taken.`,
    { members },
  );
}
