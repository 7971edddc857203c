/** Secrets of endpoints. They are kept apart from the endpoints, so that no list and no message holds them. */
import { randomBytes } from "node:crypto";
import type { Connection } from "mongoose";
import type { Clock } from "../../../broker/resilience/clock.ts";

export const SECRETS = "endpoint_secrets";
/** How long a receiver may take to learn a new secret. */
const OVERLAP_MS = 86_400_000;
const MAX_FORMER = 3;

interface SecretDocument {
  _id: string;
  /** 32 bytes in base64url. */
  current: string;
  former: { key: string; until: Date }[];
}

export interface EndpointSecrets {
  /** Makes the first one. @returns it in the form `whsec_…` */
  issue(endpointId: string): Promise<string>;
  /** Makes a new one; those of before stay good for a day. @returns it in the form `whsec_…` */
  rotate(endpointId: string): Promise<string>;
  /** The keys that sign a request now, the newest first. */
  keysOf(endpointId: string): Promise<Buffer[]>;
  forget(endpointId: string): Promise<void>;
}

const newKey = (): string => randomBytes(32).toString("base64url");
const shown = (key: string): string => `whsec_${Buffer.from(key, "base64url").toString("base64")}`;

export function createEndpointSecrets(database: Connection, clock: Clock): EndpointSecrets {
  const secrets = database.collection<SecretDocument>(SECRETS);
  return {
    async issue(_id) {
      const current = newKey();
      await secrets.updateOne({ _id }, { $set: { current, former: [] } }, { upsert: true });
      return shown(current);
    },

    async rotate(_id) {
      for (;;) {
        const now = clock.now();
        const found = await secrets.findOne({ _id });
        if (!found) return this.issue(_id);
        const good = found.former.filter((it) => it.until.getTime() > now);
        const former = [{ key: found.current, until: new Date(now + OVERLAP_MS) }, ...good].slice(
          0,
          MAX_FORMER,
        );
        const current = newKey();
        const mine = { _id, current: found.current };
        const { matchedCount } = await secrets.updateOne(mine, { $set: { current, former } });
        if (matchedCount === 1) return shown(current);
      }
    },

    async keysOf(_id) {
      const found = await secrets.findOne({ _id });
      if (!found) return [];
      const good = found.former.filter((it) => it.until.getTime() > clock.now());
      return [found.current, ...good.map((it) => it.key)].map((it) => Buffer.from(it, "base64url"));
    },

    async forget(_id) {
      await secrets.deleteOne({ _id });
    },
  };
}
