/**
 * A new password or e-mail address of a signed-in user, who must give the current password. One conditional update
 * makes the change and ends all other sessions.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { mergedExt } from "../../../broker/contract/fields.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox, PendingMessage } from "../../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import type { LoginLimits } from "../credentials/login-limits.ts";
import { SPOILT_REQUESTS } from "../credentials/mail-tokens.ts";
import { checkPasswordRules } from "../credentials/password-rules.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { contactOf } from "../views.ts";
import { type ProfileChanges, requireAccount } from "./update-account.ts";

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
  const account = await confirm(tools, caller, currentPassword);
  await checkPasswordRules(password, {
    ...account,
    email: shownEmail(account),
    shop: tools.config.SELLER_NAME,
  });
  const changes = { passwordHash: await tools.hasher.hash(password) };
  const changed = tools.outbox.entry("user.password_changed", account._id, contactOf(account));
  await change(tools, account, caller, changes, changed);
}

/**
 * A new address also invalidates resets that were mailed to the old one.
 * @throws {SoukError} WRONG_PASSWORD, RATE_LIMITED, EMAIL_TAKEN or CONFLICT
 */
export async function changeEmail(
  tools: CredentialTools,
  caller: SignedIn,
  currentPassword: string,
  changes: { email: string } & ProfileChanges,
): Promise<Account> {
  const account = await confirm(tools, caller, currentPassword);
  const { email, name = account.name, ext } = changes;
  const address = { email: emailKey(email), typedEmail: email };
  const changed = tools.outbox.entry("user.email_changed", account._id, {
    userId: account._id,
    email,
    name,
    previousEmail: shownEmail(account),
  });
  return change(tools, account, caller, { ...address, name, ...mergedExt(account.ext, ext) }, changed);
}

/** The caller's account, after a check of the current password. */
async function confirm(
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
): Promise<Account> {
  const gone = { ...SPOILT_REQUESTS, ...(session === undefined ? { keptSession: 1 as const } : {}) };
  const account = await accounts
    .findOneAndUpdate(
      { _id, credentialVersion },
      {
        $set: { ...changes, ...(session === undefined ? {} : { keptSession: session }) },
        $inc: { credentialVersion: 1 },
        $unset: gone,
        $push: { outbox: event },
      },
      { returnDocument: "after" },
    )
    .lean<Account>()
    .catch((error: unknown) => {
      if (isDuplicateKey(error, "email")) throw new SoukError("EMAIL_TAKEN");
      throw error;
    });
  if (!account) throw new SoukError("CONFLICT", "The account was changed by another request meanwhile.");
  outbox.relay(_id, [event]);
  await sessions.endOthers(_id, session);
  return account;
}
