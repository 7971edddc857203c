/** Keys of the shop, of links in mails and of web push: made once, and kept in the database, so that all nodes agree. */
import { randomBytes } from "node:crypto";
import type { Connection } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";

interface Setting {
  _id: string;
  value: string;
}

/**
 * @param make a new one
 * @returns a function that resolves with the key, which is read or made at its first call
 */
export const keptSecret = (
  database: Connection,
  name: "unsubscribe_key" | "vapid_key",
  make = () => randomBytes(32).toString("base64url"),
): (() => Promise<string>) => sharedValue(() => readOrMake(database, name, make)).get;

async function readOrMake(database: Connection, name: string, make: () => string): Promise<string> {
  const settings = database.collection<Setting>("settings");
  try {
    await settings.updateOne({ _id: name }, { $setOnInsert: { value: make() } }, { upsert: true });
  } catch (error) {
    // Another node has made it at the same moment.
    if (!isDuplicateKey(error)) throw error;
  }
  const kept = await settings.findOne({ _id: name });
  if (!kept) throw new Error(`the key ${name} has vanished`);
  return kept.value;
}
