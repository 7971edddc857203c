/** Finds the account that e-mail address and password belong to, with the same work whether or not there is one. */
import type { Model } from "mongoose";
import { SoukError } from "../../broker/errors.ts";
import type { Account } from "./account.model.ts";
import { isOutdated, type PasswordHasher } from "./hash-password.ts";

/** @throws {SoukError} INVALID_CREDENTIALS for a wrong password and for an unknown address alike */
export async function checkCredentials(
  accounts: Model<Account>,
  hasher: PasswordHasher,
  email: string,
  password: string,
): Promise<Account> {
  const account = await accounts.findOne({ email }).lean<Account>();
  const matches = await hasher.verify(password, account?.passwordHash);
  if (!account || !matches || account.blocked) throw new SoukError("INVALID_CREDENTIALS");
  if (isOutdated(account.passwordHash)) await strengthen(accounts, hasher, account, password);
  return account;
}

/** Same password, so sessions live on; conditional, so that a password set meanwhile is not undone. */
async function strengthen(
  accounts: Model<Account>,
  hasher: PasswordHasher,
  { _id, passwordHash }: Account,
  password: string,
): Promise<void> {
  await accounts.updateOne({ _id, passwordHash }, { $set: { passwordHash: await hasher.hash(password) } });
}
