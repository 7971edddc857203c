/**
 * Network addresses from which an account has signed in. Guesses from other addresses don't slow down sign-ins from
 * these.
 */
import { hash } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { addressKey } from "../../../broker/http/limits/address.ts";
import { type Account, MAX_KNOWN_ADDRESSES } from "../models/account.model.ts";

/** Hashed, so that the stored list does not reveal addresses. */
export const knownKey = (userId: string, ip: string): string =>
  hash("sha256", `${userId} ${addressKey(ip)}`, "base64url").slice(0, 22);

/** The key of the address, if the account has signed in from it before. */
export function knownAddress(account: Account | null, ip: string | undefined): string | undefined {
  if (!account || ip === undefined) return undefined;
  const key = knownKey(account._id, ip);
  return account.knownAddresses?.includes(key) ? key : undefined;
}

/** Stores the address of a sign-in, and drops the oldest. One write for each new address. */
export async function rememberAddress(
  accounts: Model<Account>,
  account: Account,
  ip: string | undefined,
): Promise<void> {
  if (ip === undefined || knownAddress(account, ip)) return;
  const key = knownKey(account._id, ip);
  await accounts.updateOne(
    { _id: account._id, knownAddresses: trusted({ $ne: key }) },
    { $push: { knownAddresses: { $each: [key], $slice: -MAX_KNOWN_ADDRESSES } } },
  );
}
