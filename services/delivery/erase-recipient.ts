/**
 * An account is gone: its parcels lose names and addresses. One that has not arrived keeps its address until it has, so
 * that the carrier finds the door.
 */
import { type Model, trusted } from "mongoose";
import type { ActorDocument, ActorHost } from "../../broker/actor/runtime/document/actor-host.types.ts";
import type { DeliveryMessage, DeliveryState } from "./delivery.actor.ts";

/** A repeated call goes on where the earlier one ended. */
export async function eraseRecipient(
  host: Pick<ActorHost<DeliveryState, DeliveryMessage>, "apply"> & {
    documents: Model<ActorDocument<DeliveryState>>;
  },
  customerId: string,
): Promise<void> {
  const filter = { "state.customerId": customerId, "state.erased": trusted({ $exists: false }) };
  for await (const { _id } of host.documents.find(filter, { _id: 1 }).lean().cursor())
    await host.apply(_id, "delivery.erase_recipient", {});
}
