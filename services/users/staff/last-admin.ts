/**
 * The shop keeps an admin who can sign in. Whoever takes an admin away holds a lease meanwhile, so that two admins can't
 * take each other away. A holder that is frozen for longer than the lease could; all its steps take milliseconds.
 */
import type { Connection, Model } from "mongoose";
import { trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { LeaseTaken, withLease } from "../../../broker/mongo/lease.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Account } from "../models/account.model.ts";

export interface AdminTools {
  accounts: Model<Account>;
  database: Connection;
  clock: Clock;
}

/**
 * Runs `work`, after which the account is no admin who can sign in, or is none at all.
 * @throws {SoukError} LAST_ADMIN when there is no other; CONFLICT when others take admins away for long
 */
export async function withoutLastAdmin<T>(
  { accounts, database, clock }: AdminTools,
  { _id, roles }: Pick<Account, "_id" | "roles">,
  work: () => Promise<T>,
): Promise<T> {
  if (!roles.includes("admin")) return work();
  const lease = { database, collection: "leases", id: "admins", holder: newId(), clock };
  try {
    return await withLease({ ...lease, leaseMs: 60_000, pollMs: 20, waitMs: 2_000 }, async () => {
      const other = await accounts.exists({
        _id: trusted({ $ne: _id }),
        roles: "admin",
        blocked: trusted({ $ne: true }),
        invited: trusted({ $exists: false }),
      });
      if (!other) throw new SoukError("LAST_ADMIN");
      return work();
    });
  } catch (error) {
    if (error instanceof LeaseTaken) throw new SoukError("CONFLICT", "Another admin is being changed.");
    throw error;
  }
}
