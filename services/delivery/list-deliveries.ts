/** Staff's list of deliveries, newest first. Their ids begin with the time. */
import type { Model } from "mongoose";
import type { z } from "zod";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, mergedById, pageOf } from "../../broker/mongo/page-cursor.ts";
import type { DeliveryState } from "./delivery.actor.ts";
import type { delivery } from "./delivery.contract.ts";

type ListParams = z.output<typeof delivery.actions.list.params>;

export async function listDeliveries(
  deliveries: Model<ActorDocument<DeliveryState>>,
  { status, limit, cursor }: ListParams,
): Promise<{ shown: Pick<ActorDocument<DeliveryState>, "_id" | "state">[]; nextCursor: string | null }> {
  const after = beforeId(cursor, "deliveries");
  const filters = status ? status.map((it) => ({ ...after, "state.status": it })) : [after];
  const pages = await Promise.all(
    filters.map((it) =>
      deliveries
        .find(it, { state: 1 })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean(),
    ),
  );
  return pageOf(mergedById(pages, "newest"), limit, "deliveries", (it) => it._id);
}
