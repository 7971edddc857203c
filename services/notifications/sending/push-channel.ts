/**
 * Web push: one encrypted message to each browser of the user. The topic and the tag are made of the notification's id,
 * so a repeated message replaces the first one, at the push service and on the screen. One browser that gets it is enough.
 */
import type { Model } from "mongoose";
import { PrivateAddressError } from "../../../broker/http/outbound/checked-lookup.ts";
import type { Poster } from "../../../broker/http/outbound/post.ts";
import { encrypt } from "../push/encrypt.ts";
import type { Browsers, Subscription } from "../push/subscriptions.model.ts";
import { forgetGone, subscriptionsOf } from "../push/subscriptions.ts";
import { authorization, type VapidKey } from "../push/vapid.ts";
import { type Channel, type Outgoing, Refused } from "./channel.ts";
import { shortText } from "./short-text.ts";

export interface PushTools {
  readonly browsers: Model<Browsers>;
  readonly poster: Poster;
  key(): Promise<VapidKey>;
  /** Whom the operators of a push service may write to. */
  readonly subject: string;
}

/** How long a push service keeps it for a browser that is off. Seconds. */
const KEPT_S = 86_400;
/** Characters of up to four bytes: both fit into a message, with an address. */
export const MAX_TITLE = 100;
export const MAX_BODY = 300;
const MAX_URL = 500;

type Outcome = "taken" | "gone" | "refused" | "again";

export function pushChannel({ browsers, poster, key, subject }: PushTools): Channel {
  async function post({ endpoint, keys }: Subscription, plain: Buffer, topic: string): Promise<Ended> {
    const url = new URL(endpoint);
    const headers = {
      authorization: authorization(await key(), url, subject, Date.now()),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(KEPT_S),
      topic,
      urgency: "normal",
    };
    try {
      const { status } = await poster.post(url, headers, encrypt(plain, keys));
      return { outcome: outcomeOf(status), said: `${url.host} answered ${status}` };
    } catch (error) {
      const outcome = error instanceof PrivateAddressError ? "refused" : "again";
      return { outcome, said: `${url.host}: ${error instanceof Error ? error.message : "no answer"}` };
    }
  }

  return {
    off: null,
    recognisesRepeats: true,
    async addressOf({ userId }) {
      if (userId === null) return null;
      const hosts = (await subscriptionsOf(browsers, userId)).map((it) => new URL(it.endpoint).host);
      return hosts.length === 0 ? null : [...new Set(hosts)].join(", ").slice(0, 500);
    },
    async send(outgoing) {
      const { userId } = outgoing.addressee;
      const found = userId === null ? [] : await subscriptionsOf(browsers, userId);
      const plain = messageOf(outgoing);
      const topic = Buffer.from(outgoing.id.replaceAll("-", ""), "hex").toString("base64url");
      const ended = await Promise.all(found.map((it) => post(it, plain, topic)));
      const having = (wanted: Outcome) => ended.filter((it) => it.outcome === wanted);
      const gone = found.filter((_, at) => ended[at]?.outcome === "gone").map((it) => it.id);
      if (userId !== null && gone.length > 0) await forgetGone(browsers, userId, gone);
      const taken = having("taken").length;
      if (taken > 0) return `${taken} of ${found.length} browsers will get it`;
      const [again] = having("again");
      if (again) throw new Error(again.said);
      throw new Refused(ended[0]?.said ?? "the user's browsers are gone");
    },
  };
}

interface Ended {
  readonly outcome: Outcome;
  readonly said: string;
}

/** 401 and 403 mean our key, and 3xx is no answer of a push service: ours to mend. */
function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return "taken";
  if (status === 404 || status === 410) return "gone";
  return status === 400 || status === 413 ? "refused" : "again";
}

/** For the shop's service worker, which shows it. */
function messageOf({ id, letter: { title, short, url, locale, direction } }: Outgoing): Buffer {
  const message = {
    id,
    tag: id,
    title: shortText(title, MAX_TITLE),
    body: shortText(short, MAX_BODY),
    url: url !== null && url.length <= MAX_URL ? url : null,
    lang: locale,
    dir: direction,
  };
  return Buffer.from(JSON.stringify(message));
}
