/** Orders, newest first. Their ids begin with the time, so the id is the cursor. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { id as idSchema } from "../../broker/contract/schemas.ts";
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
  if (cursor !== undefined && !idSchema.safeParse(cursor).success)
    throw new SoukError("VALIDATION_FAILED", undefined, {
      errors: [{ field: "cursor", message: "must be a cursor from a reply" }],
    });
  const filter: QueryFilter<ActorDocument<OrderState>> = {
    ...(customerId ? { "state.customerId": customerId } : {}),
    ...(status ? { "state.status": status } : {}),
    ...(cursor ? { _id: trusted({ $lt: cursor }) } : {}),
  };
  const found = await orders
    .find(filter, { version: 1, state: 1 })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const items = found.slice(0, limit);
  return {
    items: items.map(({ _id, version, state }) => orderView({ id: _id, version, state })),
    nextCursor: found.length > limit ? (items.at(-1)?._id ?? null) : null,
  };
}
