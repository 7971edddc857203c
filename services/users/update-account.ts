/** Reads and changes the signed-in user's own account. */
import type { Model } from "mongoose";
import { isDuplicateKey } from "../../broker/duplicate-key.ts";
import { SoukError } from "../../broker/errors.ts";
import type { Account } from "./account.model.ts";

/** @throws {SoukError} UNAUTHENTICATED when the token outlived its account */
export async function requireAccount(accounts: Model<Account>, userId: string): Promise<Account> {
  const account = await accounts.findById(userId).lean<Account>();
  if (!account) throw new SoukError("UNAUTHENTICATED");
  return account;
}

/**
 * A new e-mail address voids resets that were mailed to the old one.
 * @throws {SoukError} EMAIL_TAKEN
 */
export async function updateAccount(
  accounts: Model<Account>,
  userId: string,
  { name, email }: { name?: string | undefined; email?: string | undefined },
): Promise<Account> {
  const changes = {
    ...(name !== undefined ? { name } : {}),
    ...(email !== undefined ? { email, resets: [] } : {}),
  };
  if (Object.keys(changes).length === 0) return requireAccount(accounts, userId);
  try {
    const account = await accounts
      .findOneAndUpdate({ _id: userId }, { $set: changes }, { returnDocument: "after" })
      .lean<Account>();
    if (!account) throw new SoukError("UNAUTHENTICATED");
    return account;
  } catch (error) {
    if (isDuplicateKey(error, "email")) throw new SoukError("EMAIL_TAKEN");
    throw error;
  }
}
