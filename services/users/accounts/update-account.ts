/** Reads and changes the signed-in user's own account. */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Account } from "../models/account.model.ts";

/** @throws {SoukError} UNAUTHENTICATED when the token outlived its account */
export async function requireAccount(accounts: Model<Account>, userId: string): Promise<Account> {
  const account = await accounts.findById(userId).lean<Account>();
  if (!account) throw new SoukError("UNAUTHENTICATED");
  return account;
}

/** What needs no password: see change-credentials.ts for what does. */
export async function updateName(
  accounts: Model<Account>,
  userId: string,
  name: string | undefined,
): Promise<Account> {
  if (name === undefined) return requireAccount(accounts, userId);
  const account = await accounts
    .findOneAndUpdate({ _id: userId }, { $set: { name } }, { returnDocument: "after" })
    .lean<Account>();
  if (!account) throw new SoukError("UNAUTHENTICATED");
  return account;
}
