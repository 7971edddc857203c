/** Each history is a path of its state machine, and paid orders are exactly those that have a delivery. */
import { machine as deliveryMachine } from "../../../services/delivery/delivery.actor.ts";
import type { DeliveryStatus } from "../../../services/delivery/delivery.contract.ts";
import { machine as orderMachine } from "../../../services/orders/order/order.actor.ts";
import { wasPaid } from "../../../services/orders/order/state.ts";
import type { OrderStatus } from "../../../services/orders/orders.contract.ts";
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

interface Walkable {
  table: Record<string, Record<string, object>>;
}

/** Statuses that some message leads to from `status`. */
function nextOf({ table }: Walkable, status: string): Set<string> {
  const rows = Object.values(table[status] ?? {});
  return new Set(rows.flatMap((row) => ("to" in row ? (row.to as string[]) : [])));
}

/** The first step that the machine does not have, in words. Null where the path is valid. */
export function impossibleStep(machine: Walkable, path: readonly string[]): string | null {
  for (const [at, to] of path.entries()) {
    const from = path[at - 1] ?? "none";
    if (!nextOf(machine, from).has(to)) return `${from} → ${to}`;
  }
  return null;
}

/** Possible delivery statuses of an idle order. */
const FITTING: Partial<Record<OrderStatus, readonly DeliveryStatus[]>> = {
  paid: ["created"],
  shipped: ["shipped"],
  delivered: ["delivered"],
  delivery_failed: ["failed"],
  refunded: ["cancelled", "failed", "shipped", "delivered"],
};

export function checkHistories({ snapshot }: Pick<Evidence, "snapshot">): CheckResult[] {
  const paths = [
    ...snapshot.orders.map((it) => ({ what: `order ${it._id}`, machine: orderMachine, ...it.state })),
    ...snapshot.deliveries.map((it) => ({
      what: `delivery ${it._id}`,
      machine: deliveryMachine,
      ...it.state,
    })),
  ];
  const impossible = paths.flatMap(({ what, machine, status, history }) => {
    const path = history.map((it) => it.status);
    const step = impossibleStep(machine as Walkable, path);
    return [
      ...(step ? [`${what} went ${step}`] : []),
      ...(path.at(-1) === status ? [] : [`${what} is ${status}, its history ends with ${path.at(-1)}`]),
    ];
  });
  return [
    {
      name: "each history is a path of its state machine",
      looked: "histories",
      count: paths.length,
      failures: impossible,
    },
    checkDeliveries(snapshot),
  ];
}

function checkDeliveries({ orders, deliveries }: Evidence["snapshot"]): CheckResult {
  const made = new Map(deliveries.map((it) => [it._id, it.state]));
  const failures = orders.flatMap(({ _id, state }) => {
    const delivery = made.get(state.deliveryId);
    made.delete(state.deliveryId);
    if (!wasPaid(state)) return delivery ? [`order ${_id} is ${state.status}, and has a delivery`] : [];
    if (!delivery) return [`order ${_id} is ${state.status}, and has no delivery`];
    return [
      ...(delivery.orderId === _id ? [] : [`delivery ${state.deliveryId} is of order ${delivery.orderId}`]),
      ...(FITTING[state.status]?.includes(delivery.status)
        ? []
        : [`order ${_id} is ${state.status}, its delivery is ${delivery.status}`]),
    ];
  });
  return {
    name: "deliveries = paid orders that ship",
    looked: "deliveries",
    count: deliveries.length,
    failures: [...failures, ...[...made.keys()].map((id) => `delivery ${id} is of no order`)],
  };
}
