/** Sends a notification again, as a new one. */
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import type { NotificationMessage } from "./notification/notification.actor.ts";
import type { NotificationState } from "./notification/state.ts";

/**
 * @param newId of the new one; the same for each try of one request
 * @throws {SoukError} NOT_FOUND, NOT_RESENDABLE
 */
export async function resendNotification(
  notifications: ActorHost<NotificationState, NotificationMessage>,
  id: string,
  newId: string,
): Promise<Snapshot<NotificationState>> {
  const found = await notifications.read(id);
  if (!found) throw new SoukError("NOT_FOUND", "There is no such notification.");
  const { status, kind, channel, recipient, about } = found.state;
  if (status === "queued" || status === "sending")
    throw new SoukError("NOT_RESENDABLE", "It is still being sent.");
  const nobody = about.orderId === undefined && recipient.email === null && recipient.userId === null;
  if (nobody && about.sku === undefined && about.url === undefined)
    throw new SoukError("NOT_RESENDABLE", "Its recipient was erased.");
  return notifications.apply(newId, "notification.queue", { kind, channel, recipient, about, resendOf: id });
}
