/** The state of one notification. It holds no text: that is made at each attempt, and may contain a secret. */
import { z } from "zod";
import { id, time } from "../../../broker/contract/schemas.ts";
import { draft, notificationStatus } from "../notifications.schemas.ts";

export const notificationState = z.strictObject({
  ...draft.shape,
  status: notificationStatus,
  /** The order it is about, for lists. */
  orderId: id.nullable(),
  /** The address of the last attempt. */
  to: z.string().max(500).nullable(),
  attempts: z.int().min(0),
  nextAttemptAt: time.nullable(),
  detail: z.string().max(500).nullable(),
  sentAt: time.nullable(),
  createdAt: time,
});
export type NotificationState = z.output<typeof notificationState>;
