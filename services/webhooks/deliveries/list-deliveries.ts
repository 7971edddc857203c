/** Deliveries as staff see them. Positions begin with the time of arrival. */
import type { Filter } from "mongodb";
import { pageOf, readCursor, UUID } from "../../../broker/mongo/page-cursor.ts";
import { headersOf } from "../outbound/sign.ts";
import type { DeliveryStatus } from "../webhooks.schemas.ts";
import type { DeliveryDocument, DeliveryStore } from "./delivery-store.ts";

interface ListParams {
  id: string;
  status?: DeliveryStatus[] | undefined;
  limit: number;
  cursor?: string | undefined;
}

export async function listDeliveries(
  { collection }: DeliveryStore,
  { id, status, limit, cursor }: ListParams,
) {
  const list = `deliveries of ${id}`;
  const filter: Filter<DeliveryDocument> = {
    endpointId: id,
    ...(cursor !== undefined && { position: { $lt: readCursor(cursor, list, UUID) } }),
  };
  const pages = await Promise.all(
    (status ?? [undefined]).map((it) =>
      collection
        .find(it === undefined ? filter : { ...filter, status: it })
        .project<Omit<DeliveryDocument, "body">>({ body: 0 })
        .sort({ position: -1 })
        .limit(limit + 1)
        .toArray(),
    ),
  );
  const found = pages.flat().sort((a, b) => (a.position < b.position ? 1 : -1));
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => it.position);
  return { items: shown.map(deliveryViewOf), nextCursor };
}

export const deliveryViewOf = (it: Omit<DeliveryDocument, "body">) => ({
  id: it._id,
  endpointId: it.endpointId,
  eventId: it.eventId,
  type: it.type,
  subject: it.lane,
  status: it.status,
  attempts: it.attempts,
  nextAttemptAt: it.dueAt?.toISOString() ?? null,
  lastAttempts: it.lastAttempts.map(({ at, ...attempt }) => ({
    at: at.toISOString(),
    ...attempt,
    headers: headersOf({ id: it._id, timestamp: Math.floor(at.getTime() / 1_000) }),
  })),
  createdAt: it.createdAt.toISOString(),
});
