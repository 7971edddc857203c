/** An account is gone: its orders stay, without what the law does not ask for. See order/erase-customer.ts. */
import { type Connection, type Model, trusted } from "mongoose";
import type { ActorDocument, ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { forgetAnswers } from "../../../broker/mongo/idempotency.ts";
import { OPEN_ORDERS, type OpenOrdersDocument } from "../checkout/open-orders.store.ts";
import type { OrderMessage } from "../order/decision.ts";
import type { OrderState } from "../order/state.ts";

/** A repeated call goes on where the earlier one ended. */
export async function eraseOrders(
  host: Pick<ActorHost<OrderState, OrderMessage>, "apply"> & { documents: Model<ActorDocument<OrderState>> },
  database: Connection,
  customerId: string,
): Promise<void> {
  const filter = { "state.customerId": customerId, "state.erased": trusted({ $exists: false }) };
  for await (const { _id } of host.documents.find(filter, { _id: 1 }).lean().cursor())
    await host.apply(_id, "order.erase_customer", {});
  // What its checkouts had: nobody orders with the account any more.
  await database.collection<OpenOrdersDocument>(OPEN_ORDERS).deleteOne({ _id: customerId });
  await forgetAnswers(database, customerId);
}
