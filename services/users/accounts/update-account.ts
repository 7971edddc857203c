/** Reads and changes the signed-in user's own account. */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Ext } from "../../../broker/contract/fields.ts";
import type { Account } from "../models/account.model.ts";

/** @throws {SoukError} UNAUTHENTICATED when the account no longer exists */
export async function requireAccount(accounts: Model<Account>, userId: string): Promise<Account> {
  const account = await accounts.findById(userId).lean<Account>();
  if (!account) throw new SoukError("UNAUTHENTICATED");
  return account;
}

export interface ProfileChanges {
  name?: string | undefined;
  /** Of the extensions that are named; those of others stay. */
  ext?: Ext | undefined;
}

/** Changes that need no password. See change-credentials.ts for the others. */
export async function updateProfile(
  accounts: Model<Account>,
  userId: string,
  { name, ext = {} }: ProfileChanges,
): Promise<Account> {
  const changes = {
    ...(name === undefined ? {} : { name }),
    ...Object.fromEntries(Object.entries(ext).map(([extension, fields]) => [`ext.${extension}`, fields])),
  };
  if (Object.keys(changes).length === 0) return requireAccount(accounts, userId);
  const account = await accounts
    .findOneAndUpdate({ _id: userId }, { $set: changes }, { returnDocument: "after" })
    .lean<Account>();
  if (!account) throw new SoukError("UNAUTHENTICATED");
  return account;
}
