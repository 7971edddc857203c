/** Imports, newest first. Their ids begin with the time. */
import type { Model } from "mongoose";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, pageOf } from "../../../broker/mongo/page-cursor.ts";
import type { ImportView } from "../imports.schemas.ts";
import type { ImportState } from "./import.actor.ts";
import { viewOf } from "./view.ts";

export async function listImports(
  documents: Model<ActorDocument<ImportState>>,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: ImportView[]; nextCursor: string | null }> {
  const found = await documents
    .find(beforeId(cursor, "imports"), { state: 1, version: 1 })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, "imports", (it) => it._id);
  return { items: shown.map(({ _id: id, version, state }) => viewOf({ id, version, state })), nextCursor };
}
