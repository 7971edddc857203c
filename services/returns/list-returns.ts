/** Staff's list of returns, newest first. Their ids begin with the time. */
import type { Model } from "mongoose";
import type { z } from "zod";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, mergedById, pageOf } from "../../broker/mongo/page-cursor.ts";
import type { ReturnState } from "./return/state.ts";
import type { returns } from "./returns.contract.ts";

type ListParams = z.output<typeof returns.actions.list.params>;

export async function listReturns(
  documents: Model<ActorDocument<ReturnState>>,
  { status, limit, cursor }: ListParams,
): Promise<{ shown: Pick<ActorDocument<ReturnState>, "_id" | "state">[]; nextCursor: string | null }> {
  const after = beforeId(cursor, "returns");
  const filters = status ? status.map((it) => ({ ...after, "state.status": it })) : [after];
  const pages = await Promise.all(
    filters.map((it) =>
      documents
        .find(it, { state: 1 })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean(),
    ),
  );
  return pageOf(mergedById(pages, "newest"), limit, "returns", (it) => it._id);
}
