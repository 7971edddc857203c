/** Checkout: prices the cart, writes the order, and gives the saga a moment to hold stock and open the payment. */
import type { z } from "zod";
import type { ActorHost, Snapshot } from "../../broker/actor/actor-host.types.ts";
import type { Clock } from "../../broker/clock.ts";
import { derivedV7, newId } from "../../broker/ids.ts";
import type { Address } from "../../broker/schemas.ts";
import type { ActionContext } from "../../broker/service.ts";
import { callerId } from "./caller.ts";
import type { OrderMessage } from "./order.rows.ts";
import type { OrderState } from "./order.state.ts";
import { orderNumber } from "./order-number.ts";
import type { orders } from "./orders.contract.ts";
import { type PricedCart, priceCart } from "./price-cart.ts";
import { waitForPayment } from "./wait-for-payment.ts";

type PlaceContext = ActionContext<z.output<typeof orders.actions.place.params>>;

interface PlaceOrderTools {
  host: ActorHost<OrderState, OrderMessage>;
  clock: Clock;
  /** Milliseconds to pay an order. */
  orderTtl: number;
  checkProvider(provider: string, field: string): Promise<void>;
}

/** The ids of all that belongs to the order come from its own, so a repeated run makes the same order, not another. */
export async function placeOrder(tools: PlaceOrderTools, ctx: PlaceContext): Promise<Snapshot<OrderState>> {
  const { host, clock, orderTtl } = tools;
  const { params, meta } = ctx;
  const customerId = callerId(ctx);
  const orderId = meta.resourceId ?? newId();

  const found = await lookUp(tools, ctx, customerId).catch(async (error) => {
    // A first run may have placed the order and crashed: its cart can be gone by now.
    const placed = await host.read(orderId);
    if (placed?.state.customerId === customerId) return placed;
    throw error;
  });
  if ("version" in found) return waitForPayment(host, found, meta.preferWait);

  const order = await host.apply(
    orderId,
    "order.place",
    {
      number: orderNumber(orderId),
      customerId,
      lines: found.lines,
      total: found.total,
      shippingAddress: found.shippingAddress,
      payment: params.payment,
      paymentId: derivedV7(orderId, "payment"),
      deliveryId: derivedV7(orderId, "delivery"),
      expiresAt: new Date(clock.now() + orderTtl).toISOString(),
    },
    meta.traceparent ? { traceparent: meta.traceparent } : {},
  );
  return waitForPayment(host, order, meta.preferWait);
}

async function lookUp(
  { checkProvider }: PlaceOrderTools,
  ctx: PlaceContext,
  userId: string,
): Promise<PricedCart & { shippingAddress: Address }> {
  const [cart, shippingAddress] = await Promise.all([
    pricedCart(ctx, userId),
    shippingAddressOf(ctx, userId),
    checkProvider(ctx.params.payment.provider, "payment.provider"),
  ]);
  return { ...cart, shippingAddress };
}

async function pricedCart(ctx: PlaceContext, userId: string): Promise<PricedCart> {
  const { lines } = await ctx.call("cart.contents", { userId });
  const variants =
    lines.length > 0 ? await ctx.call("products.variants", { skus: lines.map((it) => it.sku) }) : [];
  return priceCart(lines, variants);
}

async function shippingAddressOf(ctx: PlaceContext, userId: string): Promise<Address> {
  const { shippingAddress, addressId } = ctx.params;
  if (shippingAddress) return shippingAddress;
  // The contract takes exactly one of the two.
  return ctx.call("users.address", { userId, id: addressId ?? "" });
}
