/** Network addresses that an account was signed in from: guesses from elsewhere don't slow sign-ins from there. */
import { hash } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { addressKey } from "../../../broker/http/limits/address.ts";
import { type Account, MAX_KNOWN_ADDRESSES } from "../models/account.model.ts";

/** Hashed, so that the list says nothing to who reads it. */
export const knownKey = (userId: string, ip: string): string =>
  hash("sha256", `${userId} ${addressKey(ip)}`, "base64url").slice(0, 22);

/** The key of the address where the account was signed in from it before. */
export function knownAddress(account: Account | null, ip: string | undefined): string | undefined {
  if (!account || ip === undefined) return undefined;
  const key = knownKey(account._id, ip);
  return account.knownAddresses?.includes(key) ? key : undefined;
}

/** Remembers where the owner has just signed in from; the oldest is forgotten. One write for each new address. */
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
