/** Adds, lists and removes the browsers of a user that get push messages. */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { urlError } from "../../../broker/http/outbound/public-address.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { isPoint } from "./encrypt.ts";
import type { NewSubscription, SubscriptionView } from "./push.schemas.ts";
import type { Browsers, Subscription } from "./subscriptions.model.ts";

/** Of one user. */
export const MAX_BROWSERS = 10;

/**
 * A browser is of one user: whoever signs in there last. The same subscription again only brings new keys.
 * @throws {SoukError} VALIDATION_FAILED, PUSH_SUBSCRIPTION_LIMIT
 */
export async function subscribe(
  browsers: Model<Browsers>,
  userId: string,
  { endpoint, keys }: NewSubscription,
): Promise<SubscriptionView> {
  check({ endpoint, keys });
  await browsers.updateMany(
    { _id: trusted({ $ne: userId }), "items.endpoint": endpoint },
    { $pull: { items: { endpoint } } },
  );
  const renewed = await browsers
    .findOneAndUpdate(
      { _id: userId, "items.endpoint": endpoint },
      { $set: { "items.$.keys": keys } },
      { returnDocument: "after" },
    )
    .lean<Browsers>();
  const known = renewed?.items.find((it) => it.endpoint === endpoint);
  if (known) return subscriptionView(known);
  return subscriptionView(await add(browsers, userId, { endpoint, keys }));
}

async function add(
  browsers: Model<Browsers>,
  userId: string,
  { endpoint, keys }: NewSubscription,
): Promise<Subscription> {
  try {
    await browsers.updateOne({ _id: userId }, { $setOnInsert: { items: [] } }, { upsert: true });
  } catch (error) {
    // Another request has made it at the same moment.
    if (!isDuplicateKey(error)) throw error;
  }
  const added: Subscription = { id: newId(), endpoint, keys, createdAt: new Date() };
  const { modifiedCount } = await browsers.updateOne(
    {
      _id: userId,
      "items.endpoint": trusted({ $ne: endpoint }),
      [`items.${MAX_BROWSERS - 1}`]: trusted({ $exists: false }),
    },
    { $push: { items: added } },
  );
  if (modifiedCount === 1) return added;
  // There is no place left, or another request has added the same one.
  const same = (await subscriptionsOf(browsers, userId)).find((it) => it.endpoint === endpoint);
  if (!same) throw new SoukError("PUSH_SUBSCRIPTION_LIMIT");
  return same;
}

/** The address is asked for by the shop, so it must be public. Plain HTTP is refused everywhere. */
function check({ endpoint, keys }: NewSubscription): void {
  const message = urlError(endpoint, { allowPrivate: false, production: true });
  if (message !== undefined) throw invalid("endpoint", message);
  if (!isPoint(keys.p256dh)) throw invalid("keys.p256dh", "must be a point of the curve P-256");
}

const invalid = (field: string, message: string) =>
  new SoukError("VALIDATION_FAILED", `${field}: ${message}`, { errors: [{ field, message }] });

export async function subscriptionsOf(
  browsers: Model<Browsers>,
  userId: string,
): Promise<readonly Subscription[]> {
  return (await browsers.findById(userId).lean<Browsers>())?.items ?? [];
}

/** @throws {SoukError} NOT_FOUND */
export async function unsubscribe(browsers: Model<Browsers>, userId: string, id: string): Promise<void> {
  const { modifiedCount } = await browsers.updateOne(
    { _id: userId, "items.id": id },
    { $pull: { items: { id } } },
  );
  if (modifiedCount === 0) throw new SoukError("NOT_FOUND", "There is no such subscription.");
}

/** Those whose push services say that they are gone. A repeated call changes nothing. */
export async function forgetGone(
  browsers: Model<Browsers>,
  userId: string,
  ids: readonly string[],
): Promise<void> {
  await browsers.updateOne({ _id: userId }, { $pull: { items: { id: { $in: [...ids] } } } });
}

/** All of a user, who is erased. A repeated call changes nothing. */
export async function forgetBrowsers(browsers: Model<Browsers>, userId: string): Promise<void> {
  await browsers.deleteOne({ _id: userId });
}

/** Without the address and the keys, which are secrets of the browser. */
export const subscriptionView = ({ id, endpoint, createdAt }: Subscription): SubscriptionView => ({
  id,
  host: new URL(endpoint).host,
  createdAt: createdAt.toISOString(),
});
