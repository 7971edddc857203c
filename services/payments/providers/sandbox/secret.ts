/**
 * The sandbox's webhook secret: configured, or generated once and stored in the payments database, so that nodes
 * agree.
 */
import { randomBytes } from "node:crypto";
import type { Connection } from "mongoose";
import { isDuplicateKey } from "../../../../broker/mongo/duplicate-key.ts";
import { sharedValue } from "../../../../broker/resilience/single-flight.ts";

interface Setting {
  _id: string;
  value: string;
}

const ID = "webhook_secret";

/** @returns a function that resolves with the secret, which is read or generated at its first call */
export function webhookSecret(database: Connection, configured: string | undefined): () => Promise<string> {
  if (configured) return async () => configured;
  return sharedValue(() => readOrMake(database)).get;
}

async function readOrMake(database: Connection): Promise<string> {
  const settings = database.collection<Setting>("sandbox_settings");
  try {
    const kept = await settings.findOneAndUpdate(
      { _id: ID },
      { $setOnInsert: { value: randomBytes(32).toString("base64url") } },
      { upsert: true, returnDocument: "after" },
    );
    if (kept) return kept.value;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  // Another node generated it at the same moment.
  const kept = await settings.findOne({ _id: ID });
  if (!kept) throw new Error("the sandbox's webhook secret has vanished");
  return kept.value;
}
