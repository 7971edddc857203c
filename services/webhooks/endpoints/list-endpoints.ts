/** Endpoints as staff see them. Deleted ones are not there. */
import { type Model, trusted } from "mongoose";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, mergedById, pageOf } from "../../../broker/mongo/page-cursor.ts";
import type { EndpointView } from "../webhooks.schemas.ts";
import type { EndpointState } from "./endpoint.actor.ts";

type Endpoints = Model<ActorDocument<EndpointState>>;
const KEPT = ["enabled", "disabled"] as const;

export async function listEndpoints(
  endpoints: Endpoints,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: EndpointView[]; nextCursor: string | null }> {
  const after = beforeId(cursor, "webhook endpoints");
  const pages = await Promise.all(
    KEPT.map((status) =>
      endpoints
        .find({ ...after, "state.status": status }, { state: 1 })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean(),
    ),
  );
  const { shown, nextCursor } = pageOf(
    mergedById(pages, "newest"),
    limit,
    "webhook endpoints",
    (it) => it._id,
  );
  return { items: shown.map((it) => endpointView(it._id, it.state)), nextCursor };
}

export const countEndpoints = (endpoints: Endpoints): Promise<number> =>
  endpoints.countDocuments({ "state.status": trusted({ $in: [...KEPT] }) });

export const endpointView = (id: string, it: EndpointState): EndpointView => ({
  id,
  url: it.url,
  description: it.description,
  types: it.types,
  status: it.status,
  disabledReason: it.disabledReason,
  failingSince: it.failingSince,
  createdAt: it.createdAt,
});
