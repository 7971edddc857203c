/** Notifications: made of events, sent once each, tried again until they are sent or it is too late. */
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { publicUrl } from "../../broker/http/public-url.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { draftsOf } from "./hearing/drafts.ts";
import { listNotifications, notificationView } from "./list-notifications.ts";
import { mailboxModel } from "./mail/mailbox/mailbox.model.ts";
import { mailboxList, mailboxPart } from "./mail/mailbox/mailbox-pages.ts";
import { checkMailSettings, keepsMails, openMail, senderOf } from "./mail/open-mail.ts";
import { notificationActor } from "./notification/notification.actor.ts";
import { notifications } from "./notifications.contract.ts";
import { resendNotification } from "./resend-notification.ts";
import type { Channel } from "./sending/channel.ts";
import { deliver, type Sender } from "./sending/deliver.ts";
import { emailChannel } from "./sending/email-channel.ts";
import { createSlots } from "./sending/slots.ts";

/** How long an attempt waits for its turn. A worker's message has a minute. */
const TURN_MS = 5_000;

const unavailable: Channel = {
  off: "this shop has no such channel",
  recognisesRepeats: true,
  addressOf: () => null,
  async send() {
    return "";
  },
};

export default defineService(notifications, {
  mixins: [
    mongo({ mails: mailboxModel }),
    actorHost({ notification: notificationActor }),
    idempotency(),
    workers(),
  ],

  setup({ actors, call, config, logger: log, models }) {
    checkMailSettings(config);
    const shop = { name: config.SHOP_NAME ?? config.SELLER_NAME, timeZone: config.SELLER_TIME_ZONE };
    const mail = openMail(config, models.mails);
    const from = senderOf(config, shop.name);
    const sender: Sender = {
      notifications: actors.notification,
      channels: {
        email: emailChannel({ port: mail, from, off: config.MAIL === "off" ? "MAIL is off" : null, call }),
        sms: unavailable,
        push: unavailable,
      },
      slots: createSlots(config.MAIL_CONCURRENCY, TURN_MS),
      call,
      publicUrl: publicUrl(config),
      staffMail: config.STAFF_MAIL ?? (keepsMails(config) ? from.address : null),
      shop,
      locale: config.SHOP_LOCALE,
      log,
    };
    return { mail, sender };
  },

  actions: {
    list({ params }) {
      return listNotifications(this.actors.notification.documents, params);
    },

    async resend({ params: { id }, meta: { resourceId = newId() } }) {
      const { state } = await resendNotification(this.actors.notification, id, resourceId);
      return notificationView(resourceId, state);
    },

    async mailboxPage({ params: { id, part = "message", before } }) {
      if (!keepsMails(this.config)) throw new SoukError("NOT_FOUND");
      return id === undefined
        ? mailboxList(this.models.mails, before)
        : mailboxPart(this.models.mails, id, part);
    },
  },

  workers: {
    /** Each event costs the writes of its notifications, which go out together with those of other events. */
    async hear(message, { answer }) {
      await Promise.all(draftsOf(message).map(([id, draft]) => answer("notification.queue", id, draft, id)));
    },

    deliver(message) {
      return deliver(this.sender, message);
    },
  },

  async stopped() {
    await this.mail.close();
  },
});
