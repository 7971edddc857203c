/** Forgets what is old: records of notifications, and mails in development's mailbox. Each node may do it. */
import { type Model, trusted } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import type { KeptMail } from "./mail/mailbox/mailbox.model.ts";
import { forgetOldMails } from "./mail/mailbox/mailbox.ts";
import { machine } from "./notification/notification.actor.ts";
import type { NotificationState } from "./notification/state.ts";

export interface Kept {
  readonly notifications: Model<ActorDocument<NotificationState>>;
  readonly mails: Model<KeptMail>;
  readonly clock: Clock;
  readonly keptMs: number;
}

/** Ids begin with the time. What is still tried stays. */
export async function forgetOld({ notifications, mails, clock, keptMs }: Kept): Promise<void> {
  const before = firstIdAt(clock.now() - keptMs);
  await notifications.deleteMany({
    "state.status": trusted({ $in: [...machine.final] }),
    _id: trusted({ $lt: before }),
  });
  await forgetOldMails(mails);
}

/** No UUIDv7 of this time or later is smaller. */
export function firstIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
