/** The order as clients see it. */
import type { Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { OrderView } from "../orders.contract.ts";
import { currentAttempt, holdOf, isFree, isProcessing, type OrderState } from "./state.ts";

export function orderView({ id, version, state }: Snapshot<OrderState>): OrderView {
  const outOfStock = state.lines.flatMap(({ sku, quantity }) => {
    const hold = holdOf(state, sku);
    return hold?.status === "rejected" ? [{ sku, requested: quantity, available: hold.available }] : [];
  });
  return {
    id,
    number: state.number,
    status: state.status,
    customer: {
      id: state.guest ? null : state.customerId,
      email: state.customer?.email ?? null,
      name: state.customer?.name ?? null,
    },
    lines: state.lines.map(lineView),
    total: state.total,
    shippingAddress: state.shippingAddress,
    payment: paymentView(state),
    delivery: state.delivery,
    ...(state.returns && {
      returns: Object.entries(state.returns).map(([id, { status }]) => ({ id, status })),
    }),
    ...(outOfStock.length > 0 ? { outOfStock } : {}),
    history: state.history,
    createdAt: state.createdAt,
    ...(state.ext && { ext: state.ext }),
    expiresAt: isPayable(state) && !state.attempts.some(isProcessing) ? state.expiresAt : null,
    version,
  };
}

/** The product is unknown in orders from before it was kept. */
const lineView = (it: OrderState["lines"][number]): OrderView["lines"][number] => ({
  sku: it.sku,
  productId: it.productId ?? null,
  slug: it.slug ?? null,
  name: it.name,
  options: it.options ?? {},
  image: it.image ?? null,
  quantity: it.quantity,
  unitPrice: it.unitPrice,
  total: it.total,
});

/** Whether a payment can still change the order's status. */
export const isPayable = ({ status }: OrderState): boolean =>
  status === "placed" || status === "awaiting_payment";

function paymentView(state: OrderState): OrderView["payment"] {
  const { id, choice, status, nextAction } = currentAttempt(state);
  if (isFree(state) && (status === "planned" || status === "cancelled")) return null;
  return { id, provider: choice.provider, status: status === "planned" ? "requested" : status, nextAction };
}

/** Whether the customer can go on: the payment has a next step or an outcome, or the order has ended. */
export const canGoOn = (state: OrderState): boolean => {
  if (state.status === "placed") return false;
  return state.status !== "awaiting_payment" || currentAttempt(state).status !== "requested";
};
