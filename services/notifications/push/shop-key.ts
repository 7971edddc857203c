/** The shop's key for web push: by its variable, or made once and kept in the database. */
import type { Connection } from "mongoose";
import type { Config } from "../../../broker/moleculer/config.ts";
import { refused } from "../../../broker/resilience/refusals.ts";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";
import { keptSecret } from "../preferences/kept-secret.ts";
import { newPrivateKey, type VapidKey, vapidKey } from "./vapid.ts";

/** @throws {ConfigError} where the variable is no key */
export function shopKey(
  { VAPID_PRIVATE_KEY: given }: Pick<Config, "VAPID_PRIVATE_KEY">,
  database: Connection,
): () => Promise<VapidKey> {
  if (given !== undefined) {
    const key = fromVariable(given);
    return () => Promise.resolve(key);
  }
  const kept = keptSecret(database, "vapid_key", newPrivateKey);
  return sharedValue(async () => vapidKey(await kept())).get;
}

function fromVariable(given: string): VapidKey {
  try {
    return vapidKey(given);
  } catch {
    throw refused("VAPID_PRIVATE_KEY", "must be a private key of the curve P-256");
  }
}
