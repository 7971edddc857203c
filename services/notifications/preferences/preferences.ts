/** Reads and changes what a user wants to be told, and by what. */
import type { Model } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { readGroup } from "../../../broker/mongo/read-group.ts";
import type { NotificationChannel } from "../notifications.schemas.ts";
import { type ExtraChannel, isOptional, type OptionalKind, optionalKind } from "./optional-kinds.ts";
import type { Preferences } from "./preferences.model.ts";

/** @param userId null for guests and staff, who get e-mails only */
export async function wants(
  preferences: Model<Preferences>,
  userId: string | null,
  kind: string,
  channel: NotificationChannel,
): Promise<boolean> {
  if (channel === "email" && (userId === null || !isOptional(kind))) return true;
  if (userId === null) return false;
  const found = await readGroup<Preferences>(collectionOf(preferences)).get(userId);
  if (isOptional(kind) && found?.off.includes(kind)) return false;
  return channel === "email" || (found?.channels?.includes(channel) ?? false);
}

/** The channels beside e-mail that a user has asked for. */
export async function channelsOf(
  preferences: Model<Preferences>,
  userId: string,
): Promise<readonly ExtraChannel[]> {
  const found = await readGroup<Preferences>(collectionOf(preferences)).get(userId);
  return found?.channels ?? [];
}

export async function readPreferences(
  preferences: Model<Preferences>,
  userId: string,
  offered: readonly ExtraChannel[],
) {
  return viewOf(await preferences.findById(userId).lean<Preferences>(), offered);
}

export interface Wishes {
  readonly off: readonly OptionalKind[];
  /** As they are, unless given. */
  readonly channels?: readonly ExtraChannel[] | undefined;
}

/** @param wishes `off` is all that the user does not want; everything else is on */
export async function replacePreferences(
  preferences: Model<Preferences>,
  userId: string,
  { off, channels }: Wishes,
  offered: readonly ExtraChannel[],
) {
  const $set = { off: [...new Set(off)], ...(channels && { channels: [...new Set(channels)] }) };
  const changed = await preferences
    .findOneAndUpdate({ _id: userId }, { $set }, { upsert: true, returnDocument: "after" })
    .lean<Preferences>();
  return viewOf(changed, offered);
}

/** A repeated call changes nothing. */
export async function switchOff(
  preferences: Model<Preferences>,
  userId: string,
  kind: OptionalKind,
): Promise<void> {
  await preferences.updateOne({ _id: userId }, { $addToSet: { off: kind } }, { upsert: true });
}

/** A repeated call changes nothing. */
export async function askFor(
  preferences: Model<Preferences>,
  userId: string,
  channel: ExtraChannel,
): Promise<void> {
  await preferences.updateOne({ _id: userId }, { $addToSet: { channels: channel } }, { upsert: true });
}

const viewOf = (found: Preferences | null, offered: readonly ExtraChannel[]) => ({
  off: [...(found?.off ?? [])],
  channels: [...(found?.channels ?? [])],
  optional: [...optionalKind.options],
  offered: [...offered],
});
