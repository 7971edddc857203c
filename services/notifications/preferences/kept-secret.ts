/** The key that signs links in mails: made once, and kept in the database, so that all nodes agree. */
import { randomBytes } from "node:crypto";
import type { Connection } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";

interface Setting {
  _id: string;
  value: string;
}

const ID = "unsubscribe_key";

/** @returns a function that resolves with the key, which is read or made at its first call */
export const keptSecret = (database: Connection): (() => Promise<string>) =>
  sharedValue(() => readOrMake(database)).get;

async function readOrMake(database: Connection): Promise<string> {
  const settings = database.collection<Setting>("settings");
  try {
    await settings.updateOne(
      { _id: ID },
      { $setOnInsert: { value: randomBytes(32).toString("base64url") } },
      { upsert: true },
    );
  } catch (error) {
    // Another node has made it at the same moment.
    if (!isDuplicateKey(error)) throw error;
  }
  const kept = await settings.findOne({ _id: ID });
  if (!kept) throw new Error("the key of links in mails has vanished");
  return kept.value;
}
