/**
 * An account is gone: what was sent to its owner is forgotten, and what still waits is not sent. A notification that
 * comes of an earlier event later than this is forgotten after NOTIFICATIONS_KEPT, as all are.
 */
import { type Model, trusted } from "mongoose";
import type { ActorDocument, ActorHost } from "../../broker/actor/runtime/document/actor-host.types.ts";
import type { KeptMail } from "./mail/mailbox/mailbox.model.ts";
import type { NotificationMessage } from "./notification/notification.actor.ts";
import { machine } from "./notification/notification.actor.ts";
import type { NotificationState } from "./notification/state.ts";
import type { Preferences } from "./preferences/preferences.model.ts";
import type { Browsers } from "./push/subscriptions.model.ts";
import { forgetBrowsers } from "./push/subscriptions.ts";

export interface Erasable {
  readonly host: Pick<ActorHost<NotificationState, NotificationMessage>, "apply"> & {
    documents: Model<ActorDocument<NotificationState>>;
  };
  readonly mails: Model<KeptMail>;
  readonly preferences: Model<Preferences>;
  readonly browsers: Model<Browsers>;
}

/**
 * A repeated call goes on where the earlier one ended.
 * @throws while a message of one of them has not left; then the worker comes again
 */
export async function eraseRecipient(
  { host, mails, preferences, browsers }: Erasable,
  userId: string,
): Promise<void> {
  const { documents } = host;
  const waiting = { "state.recipient.userId": userId, "state.status": trusted({ $nin: [...machine.final] }) };
  for await (const { _id, state } of documents.find(waiting, { state: 1 }).lean().cursor())
    await host.apply(_id, "notification.report", {
      attempt: state.status === "sending" ? state.attempts : state.attempts + 1,
      outcome: "suppressed",
      to: null,
      detail: "the account of the recipient is gone",
    });
  let left = 0;
  for await (const { _id, state, outbox } of documents
    .find({ "state.recipient.userId": userId }, { state: 1, outbox: 1 })
    .lean()
    .cursor()) {
    await mails.deleteOne({ _id });
    const isOver = machine.final.includes(state.status) && outbox.length === 0;
    if (isOver) await documents.deleteOne({ _id });
    else left++;
  }
  await preferences.deleteOne({ _id: userId });
  await forgetBrowsers(browsers, userId);
  if (left > 0) throw new Error(`${left} notifications of an erased account have not ended yet`);
}
