/** Notifications: made of events, sent once each, tried again until they are sent or it is too late. */
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { createPoster } from "../../broker/http/outbound/post.ts";
import { publicUrl } from "../../broker/http/public-url.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { Loop } from "../../broker/resilience/loop.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { eraseRecipient } from "./erase-recipient.ts";
import { draftsOf, shortlyToldOf } from "./hearing/drafts.ts";
import { listNotifications, notificationView } from "./list-notifications.ts";
import { mailboxModel } from "./mail/mailbox/mailbox.model.ts";
import { mailboxList, mailboxPart } from "./mail/mailbox/mailbox-pages.ts";
import { checkMailSettings, keepsMails, openMail, senderOf } from "./mail/open-mail.ts";
import { notificationActor } from "./notification/notification.actor.ts";
import { notifications } from "./notifications.contract.ts";
import { keptSecret } from "./preferences/kept-secret.ts";
import type { ExtraChannel } from "./preferences/optional-kinds.ts";
import { preferencesModel } from "./preferences/preferences.model.ts";
import {
  askFor,
  channelsOf,
  readPreferences,
  replacePreferences,
  switchOff,
  wants,
} from "./preferences/preferences.ts";
import { readToken } from "./preferences/unsubscribe-tokens.ts";
import { shopKey } from "./push/shop-key.ts";
import { browsersModel } from "./push/subscriptions.model.ts";
import { subscribe, subscriptionsOf, subscriptionView, unsubscribe } from "./push/subscriptions.ts";
import { resendNotification } from "./resend-notification.ts";
import { forgetOld } from "./retention.ts";
import type { Channel } from "./sending/channel.ts";
import { deliver, type Sender } from "./sending/deliver.ts";
import { emailChannel } from "./sending/email-channel.ts";
import { pushChannel } from "./sending/push-channel.ts";
import { createSlots } from "./sending/slots.ts";
import { smsChannel } from "./sending/sms-channel.ts";
import { openSms } from "./sms/open-sms.ts";

/** How long an attempt waits for its turn. A worker's message has a minute. */
const TURN_MS = 5_000;

/** Between two looks for what is too old. */
const LOOK_EVERY_MS = 600_000;

/** How long a push service may take to answer, and how many messages a node sends to it at the same time. */
const PUSH = { timeoutMs: 10_000, concurrency: 10, allowPrivate: false };

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
    mongo({ browsers: browsersModel, mails: mailboxModel, preferences: preferencesModel }),
    actorHost({ notification: notificationActor }),
    idempotency(),
    workers(),
  ],

  setup({ actors, call, clock, config, database, logger: log, models }) {
    checkMailSettings(config);
    const shop = { name: config.SHOP_NAME ?? config.SELLER_NAME, timeZone: config.SELLER_TIME_ZONE };
    const mail = openMail(config, models.mails);
    const from = senderOf(config, shop.name);
    const sms = openSms(config);
    const unsubscribeKey = keptSecret(database, "unsubscribe_key");
    const pushKey = shopKey(config, database);
    const poster = createPoster(PUSH);
    const offered: readonly ExtraChannel[] = sms ? ["sms", "push"] : ["push"];
    const sender: Sender = {
      notifications: actors.notification,
      channels: {
        email: emailChannel({ port: mail, from, off: config.MAIL === "off" ? "MAIL is off" : null, call }),
        sms: sms ? smsChannel(sms) : unavailable,
        push: pushChannel({
          browsers: models.browsers,
          poster,
          key: pushKey,
          subject: `mailto:${from.address}`,
        }),
      },
      wants: (userId, kind, channel) => wants(models.preferences, userId, kind, channel),
      unsubscribeKey,
      slots: createSlots(config.MAIL_CONCURRENCY, TURN_MS),
      call,
      publicUrl: publicUrl(config),
      staffMail: config.STAFF_MAIL ?? (keepsMails(config) ? from.address : null),
      shop,
      locale: config.SHOP_LOCALE,
      log,
    };
    const kept = {
      notifications: actors.notification.documents,
      mails: models.mails,
      clock,
      keptMs: config.NOTIFICATIONS_KEPT,
    };
    const retention = new Loop(
      LOOK_EVERY_MS,
      () => forgetOld(kept),
      (error) =>
        log.warn("old notifications could not be forgotten, will try again", { error: error.message }),
    );
    return { mail, offered, poster, pushKey, sender, retention, unsubscribeKey };
  },

  actions: {
    list({ params }) {
      return listNotifications(this.actors.notification.documents, params);
    },

    async resend({ params: { id }, meta: { resourceId = newId() } }) {
      const { state } = await resendNotification(this.actors.notification, id, resourceId);
      return notificationView(resourceId, state);
    },

    preferences({ meta: { user } }) {
      return readPreferences(this.models.preferences, signedIn(user).id, this.offered);
    },

    replacePreferences({ params, meta: { user } }) {
      return replacePreferences(this.models.preferences, signedIn(user).id, params, this.offered);
    },

    async pushSubscriptions({ meta: { user } }) {
      const found = await subscriptionsOf(this.models.browsers, signedIn(user).id);
      const { publicKey } = await this.pushKey();
      return { items: found.map(subscriptionView), nextCursor: null, publicKey };
    },

    async addPushSubscription({ params, meta: { user } }) {
      const { id } = signedIn(user);
      const added = await subscribe(this.models.browsers, id, params);
      await askFor(this.models.preferences, id, "push");
      return added;
    },

    async removePushSubscription({ params: { id }, meta: { user } }) {
      await unsubscribe(this.models.browsers, signedIn(user).id, id);
    },

    async unsubscribe({ params: { token } }) {
      await switchOff(this.models.preferences, ...readToken(await this.unsubscribeKey(), token));
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
      const customer = this.offered.length > 0 ? shortlyToldOf(message) : null;
      const asked = customer === null ? [] : await channelsOf(this.models.preferences, customer);
      const extra = asked.filter((it) => this.offered.includes(it));
      await Promise.all(
        draftsOf(message, extra).map(([id, draft]) => answer("notification.queue", id, draft, id)),
      );
    },

    deliver(message) {
      return deliver(this.sender, message);
    },

    eraseRecipient({ data: { userId } }) {
      return eraseRecipient({ host: this.actors.notification, ...this.models }, userId);
    },
  },

  started() {
    this.retention.start();
  },

  async stopped() {
    await this.retention.stop();
    this.poster.close();
    await this.mail.close();
  },
});

function signedIn(user: CallMeta["user"]): NonNullable<CallMeta["user"]> {
  if (!user) throw new SoukError("UNAUTHENTICATED");
  return user;
}
