/** Opens an account. The unique index on the e-mail address decides between concurrent requests. */
import type { Model } from "mongoose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import { knownKey } from "../credentials/known-addresses.ts";
import { mailRequest } from "../credentials/mail-tokens.ts";
import { checkPasswordRules } from "../credentials/password-rules.ts";
import type { Account } from "../models/account.model.ts";

export interface NewAccount {
  email: string;
  password: string;
  name: string;
}

export interface Registration {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  outbox: Outbox;
  clock: Clock;
  config: { SELLER_NAME: string };
}

/** Fields that the caller of {@link openAccount} sets. They never come from a request. */
type Standing = Pick<Account, "roles" | "firstAdmin">;

/** @throws {SoukError} WEAK_PASSWORD, EMAIL_TAKEN, or BOOTSTRAP_CLOSED for a second first admin */
export async function openAccount(
  { accounts, hasher, outbox, clock, config }: Registration,
  { email, password, name }: NewAccount,
  standing: Standing,
  { traceparent, clientIp }: Pick<CallMeta, "traceparent" | "clientIp"> = {},
): Promise<Account> {
  await checkPasswordRules(password, { email, name, shop: config.SELLER_NAME });
  const userId = newId();
  const trace = traceparent ? { traceparent } : {};
  const contact = { userId, email, name };
  const verification = mailRequest("verify", clock);
  const events = [
    outbox.entry("user.registered", userId, contact, trace),
    outbox.entry(
      "user.email_verification_requested",
      userId,
      { ...contact, requestId: verification.id, expiresAt: verification.expiresAt.toISOString() },
      trace,
    ),
  ];
  const account: Account = {
    _id: userId,
    email: emailKey(email),
    typedEmail: email,
    name,
    ...standing,
    passwordHash: await hasher.hash(password),
    credentialVersion: 1,
    ...(clientIp === undefined ? {} : { knownAddresses: [knownKey(userId, clientIp)] }),
    addresses: [],
    mail: { verify: [verification] },
    createdAt: new Date(clock.now()),
    outbox: events,
  };
  try {
    await accounts.create(account);
  } catch (error) {
    if (isDuplicateKey(error, "email")) throw new SoukError("EMAIL_TAKEN");
    if (isDuplicateKey(error, "first_admin")) throw new SoukError("BOOTSTRAP_CLOSED");
    throw error;
  }
  outbox.relay(userId, events);
  return account;
}
