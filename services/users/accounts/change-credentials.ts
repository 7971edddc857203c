/**
 * A new password of a signed-in user, who must give the current one. One conditional update makes the change and ends all
 * other sessions.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Outbox, PendingMessage } from "../../../broker/mongo/document-outbox.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import type { LoginLimits } from "../credentials/login-limits.ts";
import { SPOILT_REQUESTS } from "../credentials/mail-tokens.ts";
import { checkPasswordRules } from "../credentials/password-rules.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { contactOf } from "../views.ts";
import { requireAccount } from "./update-account.ts";

export interface CredentialTools {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  guesses: LoginLimits;
  sessions: Sessions;
  outbox: Outbox;
  config: { SELLER_NAME: string };
}

/** The caller: the user, and the session of the access token. */
export interface SignedIn {
  id: string;
  session?: string;
}

/** @throws {SoukError} WRONG_PASSWORD, WEAK_PASSWORD, RATE_LIMITED or CONFLICT */
export async function changePassword(
  tools: CredentialTools,
  caller: SignedIn,
  { currentPassword, password }: { currentPassword: string; password: string },
): Promise<void> {
  const account = await confirmPassword(tools, caller, currentPassword);
  await checkPasswordRules(password, {
    ...account,
    email: shownEmail(account),
    shop: tools.config.SELLER_NAME,
  });
  const changes = { passwordHash: await tools.hasher.hash(password) };
  const changed = tools.outbox.entry("user.password_changed", account._id, contactOf(account));
  await change(tools, account, caller, changes, changed);
}

/** The caller's account, after a check of the current password. */
export async function confirmPassword(
  { accounts, hasher, guesses }: CredentialTools,
  { id, session }: SignedIn,
  currentPassword: string,
): Promise<Account> {
  const account = await requireAccount(accounts, id);
  await guesses.attempt({ account: id, known: session }, async () => {
    if (await hasher.verify(currentPassword, account.passwordHash)) return;
    const errors = [{ field: "currentPassword", message: "is not right" }];
    throw new SoukError("WRONG_PASSWORD", undefined, { errors });
  });
  return account;
}

async function change(
  { accounts, outbox, sessions }: CredentialTools,
  { _id, credentialVersion }: Account,
  { session }: SignedIn,
  changes: Partial<Account>,
  event: PendingMessage,
): Promise<void> {
  const gone = { ...SPOILT_REQUESTS, ...(session === undefined ? { keptSession: 1 as const } : {}) };
  const { matchedCount } = await accounts.updateOne(
    { _id, credentialVersion },
    {
      $set: { ...changes, ...(session === undefined ? {} : { keptSession: session }) },
      $inc: { credentialVersion: 1 },
      $unset: gone,
      $push: { outbox: event },
    },
  );
  if (matchedCount === 0)
    throw new SoukError("CONFLICT", "The account was changed by another request meanwhile.");
  outbox.relay(_id, [event]);
  await sessions.endOthers(_id, session);
}
