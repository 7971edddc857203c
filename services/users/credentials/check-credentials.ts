/** Finds the account of an e-mail address and password. It does the same work whether or not there is one. */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Account } from "../models/account.model.ts";
import { isOutdated, type PasswordHasher } from "./hash-password.ts";
import { knownAddress } from "./known-addresses.ts";
import type { LoginLimits } from "./login-limits.ts";

export interface CheckTools {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  guesses: LoginLimits;
}

/** @throws {SoukError} INVALID_CREDENTIALS for a wrong password and for an unknown address alike; ACCOUNT_BLOCKED; RATE_LIMITED */
export async function checkCredentials(
  { accounts, hasher, guesses }: CheckTools,
  { email: typed, password }: { email: string; password: string },
  ip?: string,
): Promise<Account> {
  const email = emailKey(typed);
  const found = await accounts.findOne({ email }).lean<Account>();
  const account = await guesses.attempt({ account: email, known: knownAddress(found, ip) }, async () => {
    const matches = await hasher.verify(password, found?.passwordHash);
    if (!found || !matches) throw new SoukError("INVALID_CREDENTIALS");
    // Who knows the password may know it. It is no wrong attempt.
    if (found.blocked) throw new SoukError("ACCOUNT_BLOCKED");
    return found;
  });
  if (isOutdated(account.passwordHash)) await strengthen(accounts, hasher, account, password);
  return account;
}

/**
 * The password stays the same, so sessions continue. The update is conditional, so that it can't undo a new password.
 */
async function strengthen(
  accounts: Model<Account>,
  hasher: PasswordHasher,
  { _id, passwordHash }: Account,
  password: string,
): Promise<void> {
  await accounts.updateOne({ _id, passwordHash }, { $set: { passwordHash: await hasher.hash(password) } });
}
