/**
 * Checkout: prices the cart, claims it, and creates the order. Then it waits a moment for the saga to hold stock and
 * open the payment.
 */
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { derivedV7, newId } from "../../../broker/contract/ids.ts";
import type { Address } from "../../../broker/contract/schemas.ts";
import type { ActionContext } from "../../../broker/moleculer/handlers.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { isTransient } from "../../../broker/resilience/retry.ts";
import type { OrderMessage } from "../order/decision.ts";
import type { OrderState } from "../order/state.ts";
import type { orders } from "../orders.contract.ts";
import type { OrderedBy } from "../orders.schemas.ts";
import { type ClaimTools, claimCart, type EnteredOrder, place } from "./claim-cart.ts";
import { enterGuestOrder, type GuestLimits } from "./guest-limits.ts";
import type { Claim } from "./open-orders.ts";
import { guestOf, type Orderer, ordererOf } from "./orderer.ts";
import { type PricedCart, priceCart } from "./price-cart.ts";
import { waitForPayment } from "./wait-for-payment.ts";

type PlaceContext = ActionContext<z.output<typeof orders.actions.place.params>>;

export interface PlaceOrderTools extends ClaimTools {
  host: ActorHost<OrderState, OrderMessage>;
  clock: Clock;
  /** Milliseconds to pay an order. */
  orderTtl: number;
  guestLimits: GuestLimits;
  checkProvider(provider: string, field: string): Promise<void>;
}

type Order = Snapshot<OrderState>;

/** Stored with an order that has nothing to pay. No provider can be asked by this name. */
const NO_PROVIDER = { provider: "none" };

/** All ids of the order are derived from its own id. So a repeated run creates the same order. */
export async function placeOrder(tools: PlaceOrderTools, ctx: PlaceContext): Promise<Order> {
  const order = await placedOrder(tools, ctx, ctx.meta.resourceId ?? newId());
  return waitForPayment(tools.host, order, ctx.meta.preferWait);
}

/** The cart is claimed with all data of the order, then the order is placed. A crash in between changes neither. */
async function placedOrder(tools: PlaceOrderTools, ctx: PlaceContext, orderId: string): Promise<Order> {
  const orderer = ordererOf(ctx);
  const { customerId } = orderer;
  const { traceparent } = ctx.meta;
  const reading = tools.openOrders.read(customerId);
  try {
    const [checkout, present] = await Promise.all([lookUp(tools, ctx, orderer), reading]);
    const claim = claimOf(tools, ctx, orderer, orderId, checkout);
    if (orderer.guest)
      await enterGuestOrder(tools.openOrders, tools.guestLimits, {
        order: orderId,
        quantity: claim.quantity,
        at: claim.at,
        email: orderer.guest.email,
        clientIp: ctx.meta.clientIp,
      });
    const entry =
      (await claimCart(tools, claim, present, false)) ?? (await claimAnew(tools, ctx, orderer, orderId));
    return await place(tools, entry, traceparent);
  } catch (error) {
    // The next request gets the answer.
    if (isTransient(error)) throw error;
    // An earlier run may have claimed or placed it and crashed. Its cart may have changed since.
    const entry = (await reading).open.entries.find((it) => it.order === orderId);
    if (entry) return place(tools, entry, traceparent);
    const placed = await tools.host.read(orderId);
    if (placed?.state.customerId === customerId) return placed;
    throw error;
  }
}

/** Claims again, with the cart as it is now. */
async function claimAnew(
  tools: PlaceOrderTools,
  ctx: PlaceContext,
  orderer: Orderer,
  orderId: string,
): Promise<EnteredOrder> {
  const checkout = await lookUp(tools, ctx, orderer);
  const present = await tools.openOrders.read(orderer.customerId);
  const entry = await claimCart(tools, claimOf(tools, ctx, orderer, orderId, checkout), present, true);
  if (!entry) throw new Error("what is certain can't be stale");
  return entry;
}

function claimOf(
  { clock, orderTtl }: PlaceOrderTools,
  ctx: PlaceContext,
  orderer: Orderer,
  orderId: string,
  { revision, lines, total, shippingAddress, customer }: Checkout,
): Claim {
  const now = clock.now();
  return {
    order: orderId,
    revision,
    quantity: lines.reduce((sum, it) => sum + it.quantity, 0),
    at: now,
    place: {
      customerId: orderer.customerId,
      ...(customer && { customer }),
      ...guestOf(orderer, orderId, ctx.meta),
      lines,
      total,
      shippingAddress,
      ...(ctx.params.ext && { ext: ctx.params.ext }),
      payment: ctx.params.payment ?? NO_PROVIDER,
      paymentId: derivedV7(orderId, "payment"),
      deliveryId: derivedV7(orderId, "delivery"),
      expiresAt: new Date(now + orderTtl).toISOString(),
    },
  };
}

interface Checkout extends PricedCart {
  /** Of the cart. */
  revision: number;
  shippingAddress: Address;
  customer: OrderedBy | undefined;
}

async function lookUp(tools: PlaceOrderTools, ctx: PlaceContext, orderer: Orderer): Promise<Checkout> {
  const [cart, shippingAddress, customer] = await Promise.all([
    pricedCart(ctx, orderer),
    shippingAddressOf(ctx, orderer),
    customerOf(ctx, orderer),
  ]);
  if (cart.total.amount > 0) await checkPayment(tools, ctx);
  return { ...cart, shippingAddress, customer };
}

/** @throws SoukError VALIDATION_FAILED, PROVIDER_UNKNOWN */
async function checkPayment({ checkProvider }: PlaceOrderTools, { params }: PlaceContext): Promise<void> {
  if (params.payment) return checkProvider(params.payment.provider, "payment.provider");
  throw new SoukError("VALIDATION_FAILED", "The order has to be paid.", {
    errors: [{ field: "payment", message: "must be given, because there is something to pay" }],
  });
}

/** @throws SoukError CART_CHANGED, PRICE_CHANGED: it is not what the customer has seen */
async function pricedCart(ctx: PlaceContext, orderer: Orderer): Promise<PricedCart & { revision: number }> {
  const { cartRevision, expectedTotal } = ctx.params;
  const { revision, lines } = await contentsOf(ctx, orderer);
  if (cartRevision !== undefined && cartRevision !== revision) throw await notAsSeen(ctx, "CART_CHANGED");
  const skus = lines.map((it) => it.sku);
  const variants = skus.length > 0 ? await ctx.call("products.variants", { skus, latest: true }) : [];
  const priced = priceCart(lines, variants);
  if (expectedTotal && !isDeepStrictEqual(expectedTotal, priced.total))
    throw await notAsSeen(ctx, "PRICE_CHANGED");
  return { revision, ...priced };
}

const contentsOf = (ctx: PlaceContext, { customerId: userId, guest }: Orderer) =>
  guest ? ctx.call("cart.guestContents", { cartId: guest.cartId }) : ctx.call("cart.contents", { userId });

async function notAsSeen(ctx: PlaceContext, code: "CART_CHANGED" | "PRICE_CHANGED"): Promise<SoukError> {
  const cart = await ctx.call("cart.get", {});
  const what = code === "CART_CHANGED" ? "The cart has changed" : "A price has changed";
  return new SoukError(code, `${what} since it was shown.`, { members: { cart } });
}

async function shippingAddressOf(ctx: PlaceContext, { customerId: userId }: Orderer): Promise<Address> {
  const { shippingAddress, addressId } = ctx.params;
  if (shippingAddress) return shippingAddress;
  // The contract requires exactly one of the two.
  return ctx.call("users.address", { userId, id: addressId ?? "" });
}

/** A guest is known by the name of the shipping address. */
async function customerOf(ctx: PlaceContext, { customerId, guest }: Orderer): Promise<OrderedBy | undefined> {
  if (guest) return { email: guest.email, name: ctx.params.shippingAddress?.name ?? "" };
  const [account] = await ctx.call("users.contacts", { ids: [customerId] });
  return account && { email: account.email, name: account.name };
}
