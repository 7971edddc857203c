/** Orders, newest first. Their ids begin with the time. */
import type { Model, QueryFilter } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, pageOf } from "../../broker/mongo/page-cursor.ts";
import type { OrderState } from "./order/state.ts";
import { orderView } from "./order/view.ts";
import type { OrderStatus, OrderView } from "./orders.contract.ts";

interface Page {
  /** Default: all customers. */
  customerId?: string;
  status?: OrderStatus | undefined;
  limit: number;
  cursor?: string | undefined;
}

export async function listOrders(
  orders: Model<ActorDocument<OrderState>>,
  { customerId, status, limit, cursor }: Page,
): Promise<{ items: OrderView[]; nextCursor: string | null }> {
  const filter: QueryFilter<ActorDocument<OrderState>> = {
    ...(customerId ? { "state.customerId": customerId } : {}),
    ...(status ? { "state.status": status } : {}),
    ...beforeId(cursor, "orders"),
  };
  const found = await orders
    .find(filter, { version: 1, state: 1 })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, "orders", (it) => it._id);
  return {
    items: shown.map(({ _id, version, state }) => orderView({ id: _id, version, state })),
    nextCursor,
  };
}
