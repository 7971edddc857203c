/** Reads and changes what a user wants to be told. */
import type { Model } from "mongoose";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { readGroup } from "../../../broker/mongo/read-group.ts";
import { isOptional, type OptionalKind, optionalKind } from "./optional-kinds.ts";
import type { Preferences } from "./preferences.model.ts";

export async function wantsMail(
  preferences: Model<Preferences>,
  userId: string,
  kind: string,
): Promise<boolean> {
  if (!isOptional(kind)) return true;
  const found = await readGroup<Preferences>(collectionOf(preferences)).get(userId);
  return !found?.off.includes(kind);
}

export async function readPreferences(preferences: Model<Preferences>, userId: string) {
  const found = await preferences.findById(userId).lean<Preferences>();
  return viewOf(found?.off ?? []);
}

/** @param off all that the user does not want; everything else is on */
export async function replacePreferences(
  preferences: Model<Preferences>,
  userId: string,
  off: readonly OptionalKind[],
) {
  const kinds = [...new Set(off)];
  await preferences.updateOne({ _id: userId }, { $set: { off: kinds } }, { upsert: true });
  return viewOf(kinds);
}

/** A repeated call changes nothing. */
export async function switchOff(
  preferences: Model<Preferences>,
  userId: string,
  kind: OptionalKind,
): Promise<void> {
  await preferences.updateOne({ _id: userId }, { $addToSet: { off: kind } }, { upsert: true });
}

const viewOf = (off: readonly OptionalKind[]) => ({ off: [...off], optional: [...optionalKind.options] });
