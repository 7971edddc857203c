/** Staff's list of notifications, newest first. Their ids begin with the time. */
import type { Model } from "mongoose";
import type { z } from "zod";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { beforeId, mergedById, pageOf } from "../../broker/mongo/page-cursor.ts";
import type { NotificationState } from "./notification/state.ts";
import type { notifications } from "./notifications.contract.ts";
import type { NotificationView } from "./notifications.schemas.ts";

type ListParams = z.output<typeof notifications.actions.list.params>;
type Found = Pick<ActorDocument<NotificationState>, "_id" | "state">;

/** For cursors. */
const LIST = "notifications";

export async function listNotifications(
  documents: Model<ActorDocument<NotificationState>>,
  { status, kind, recipient, orderId, limit, cursor }: ListParams,
): Promise<{ items: NotificationView[]; nextCursor: string | null }> {
  const filter = {
    ...beforeId(cursor, LIST),
    ...(kind !== undefined && { "state.kind": kind }),
    ...(recipient !== undefined && { "state.to": recipient }),
    ...(orderId !== undefined && { "state.orderId": orderId }),
  };
  const filters = status ? status.map((it) => ({ ...filter, "state.status": it })) : [filter];
  const pages = await Promise.all(
    filters.map((it) =>
      documents
        .find(it, { state: 1 })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean<Found[]>(),
    ),
  );
  const { shown, nextCursor } = pageOf(mergedById(pages, "newest"), limit, LIST, (it) => it._id);
  return { items: shown.map(({ _id, state }) => notificationView(_id, state)), nextCursor };
}

export const notificationView = (id: string, it: NotificationState): NotificationView => ({
  id,
  kind: it.kind,
  channel: it.channel,
  status: it.status,
  to: it.to,
  userId: it.recipient.userId,
  orderId: it.orderId,
  attempts: it.attempts,
  nextAttemptAt: it.nextAttemptAt,
  detail: it.detail,
  sentAt: it.sentAt,
  createdAt: it.createdAt,
  resendOf: it.resendOf,
});
