/**
 * Bounds the orders of guests that wait for payment: per e-mail address and per network address. (The claim of a cart
 * bounds them per cart.) Each has a document like a customer's. Entries of orders that are paid or over, and of requests
 * that ended without an order, are dropped by the next request.
 */
import { createHash } from "node:crypto";
import { SoukError } from "../../../broker/contract/errors.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import { addressKey } from "../../../broker/http/limits/address.ts";
import { pauseAfterRace } from "../../../broker/resilience/pause-after-race.ts";
import type { OpenOrdersRead, OpenOrdersStore } from "./open-orders.store.ts";
import { ABANDONED_MS, isPayable, isWaiting, type OpenOrder, type OpenOrderLimits } from "./open-orders.ts";

const MAX_TRIES = 20;

export interface GuestLimits {
  email: OpenOrderLimits;
  address: OpenOrderLimits;
}

export interface GuestOrder extends Pick<OpenOrder, "order" | "quantity" | "at"> {
  email: string;
  clientIp: string | undefined;
}

/** @throws SoukError TOO_MANY_OPEN_ORDERS, OPEN_QUANTITY_EXCEEDED, without telling of others' orders */
export async function enterGuestOrder(
  openOrders: OpenOrdersStore,
  limits: GuestLimits,
  { email, clientIp, ...entry }: GuestOrder,
): Promise<void> {
  await enter(openOrders, keyOf("email", emailKey(email)), limits.email, entry);
  if (clientIp !== undefined)
    await enter(openOrders, keyOf("address", addressKey(clientIp)), limits.address, entry);
}

type Entry = Pick<OpenOrder, "order" | "quantity" | "at">;

async function enter(store: OpenOrdersStore, key: string, limits: OpenOrderLimits, entry: Entry) {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const present = await store.read(key);
    const next = withEntry(present, limits, entry);
    if (!next) return;
    if (await store.write(key, present.version, { revision: 0, entries: next })) return;
    await pauseAfterRace(tries + 1);
  }
  throw new SoukError("UNAVAILABLE", "Guests order many things at once.", { retryAfter: 1 });
}

/** Null where it is entered already. */
function withEntry(
  { open, known }: OpenOrdersRead,
  limits: OpenOrderLimits,
  entry: Entry,
): readonly OpenOrder[] | null {
  if (open.entries.some((it) => it.order === entry.order)) return null;
  const waiting = open.entries.filter((it) => {
    const status = known.get(it.order);
    return status === undefined ? entry.at - it.at < ABANDONED_MS : isWaiting(status);
  });
  const payable = waiting.filter((it) => isPayable(known.get(it.order) ?? "placed"));
  if (payable.length >= limits.orders)
    throw new SoukError(
      "TOO_MANY_OPEN_ORDERS",
      "Too many orders of guests with this e-mail address, or from this network, wait for their payment.",
      { members: { orderIds: [] } },
    );
  const held = waiting.reduce((sum, it) => sum + it.quantity, 0);
  if (held + entry.quantity > limits.quantity)
    throw new SoukError(
      "OPEN_QUANTITY_EXCEEDED",
      "Orders of guests with this e-mail address, or from this network, would hold too many units together.",
      { members: { orderIds: [] } },
    );
  return [...waiting, { ...entry, revision: null, place: null }];
}

/** No customer's id looks like it. */
const keyOf = (kind: "email" | "address", value: string): string =>
  `${kind}:${createHash("sha256").update(value).digest("base64url")}`;
