/**
 * The account of somebody who has signed in elsewhere. Once linked, it is found by issuer and subject alone. Before, it is
 * found by the e-mail address, and only where both sides have verified it. Otherwise whoever typed another's address, here
 * or there, would get into that person's account, or let that person into theirs.
 */
import { hash, randomBytes } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { canonicalEmail } from "../../../broker/contract/values/email.ts";
import { cleanLine } from "../../../broker/contract/values/text.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import type { Account, Identity } from "../models/account.model.ts";

/** What a provider says about a person. */
export interface Person {
  issuer: string;
  subject: string;
  email?: string | undefined;
  emailVerified: boolean;
  name?: string | undefined;
}

export interface LinkTools {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  outbox: Outbox;
  clock: Clock;
}

const MAX_IDENTITIES = 10;
const MAX_NAME = 120;

/** @throws {SoukError} EMAIL_UNVERIFIED, ACCOUNT_BLOCKED, CONFLICT */
export async function accountOf(tools: LinkTools, person: Person): Promise<Account> {
  const identity: Identity = {
    key: hash("sha256", JSON.stringify([person.issuer, person.subject]), "base64url"),
    issuer: person.issuer,
    subject: person.subject,
    linkedAt: new Date(tools.clock.now()),
  };
  // Two sign-ins at once may both find nobody. The loser finds what the winner has made.
  for (let attempt = 0; attempt < 3; attempt++) {
    const account =
      (await tools.accounts.findOne({ "identities.key": identity.key }).lean<Account>()) ??
      (await linkOrOpen(tools, person, identity));
    if (account?.blocked) throw new SoukError("ACCOUNT_BLOCKED");
    if (account) return account;
  }
  throw new SoukError("CONFLICT", "The account was changed by another request meanwhile.");
}

async function linkOrOpen(
  tools: LinkTools,
  { email, emailVerified, name }: Person,
  identity: Identity,
): Promise<Account | null> {
  const key = email === undefined ? undefined : canonicalEmail(email);
  if (email === undefined || key === undefined || !emailVerified)
    throw new SoukError("EMAIL_UNVERIFIED", "The provider has not verified your e-mail address.");
  const found = await tools.accounts.findOne({ email: key }).lean<Account>();
  if (!found) return open(tools, { email, key, name }, identity);
  if (!found.emailVerifiedAt)
    throw new SoukError(
      "EMAIL_UNVERIFIED",
      "An account has this address, and nobody has confirmed it. Sign in with its password or reset that, and confirm the address.",
    );
  return tools.accounts
    .findOneAndUpdate(
      {
        _id: found._id,
        email: key,
        emailVerifiedAt: trusted({ $exists: true }),
        [`identities.${MAX_IDENTITIES - 1}`]: trusted({ $exists: false }),
      },
      { $push: { identities: identity } },
      { returnDocument: "after" },
    )
    .lean<Account>()
    .catch(unlessTaken);
}

/** The new account has a password that nobody knows. A reset by mail sets one. */
async function open(
  { accounts, hasher, outbox }: LinkTools,
  { email, key, name }: { email: string; key: string; name?: string | undefined },
  identity: Identity,
): Promise<Account | null> {
  const userId = newId();
  const shownName =
    cleanLine(name ?? "")
      .slice(0, MAX_NAME)
      .trim() ||
    (email.split("@")[0] ?? email);
  const registered = outbox.entry("user.registered", userId, { userId, email, name: shownName });
  const account: Account = {
    _id: userId,
    email: key,
    typedEmail: email,
    name: shownName,
    roles: ["customer"],
    passwordHash: await hasher.hash(randomBytes(32).toString("base64url")),
    credentialVersion: 1,
    addresses: [],
    emailVerifiedAt: identity.linkedAt,
    identities: [identity],
    createdAt: identity.linkedAt,
    outbox: [registered],
  };
  try {
    await accounts.create(account);
  } catch (error) {
    return unlessTaken(error);
  }
  outbox.relay(userId, [registered]);
  return account;
}

function unlessTaken(error: unknown): null {
  if (isDuplicateKey(error, "email") || isDuplicateKey(error, "identity")) return null;
  throw error;
}
