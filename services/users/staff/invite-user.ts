/**
 * Invitations to the staff. The invited person's account is made at once, and can't be used before a password is set
 * with the token of the mail. So the address is unique, and the account is listed, blocked and erased like any other.
 */
import { randomBytes } from "node:crypto";
import { trusted } from "mongoose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import { hasMailToken, mailOf, mailRequest } from "../credentials/mail-tokens.ts";
import { checkPasswordRules } from "../credentials/password-rules.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import type { Actor } from "../roles/grant.ts";
import { contactOf } from "../views.ts";
import { granted, type PeopleTools, requirePower } from "./change-user.ts";

export interface InviteTools extends PeopleTools {
  hasher: PasswordHasher;
  config: { SELLER_NAME: string };
}

export interface Invited {
  email: string;
  name: string;
  roles: string[];
}

/** @throws {SoukError} EMAIL_TAKEN, FORBIDDEN or VALIDATION_FAILED */
export async function inviteUser(
  tools: InviteTools,
  actor: Actor,
  { email, name, roles }: Invited,
  { traceparent }: Pick<CallMeta, "traceparent"> = {},
): Promise<Account> {
  const { accounts, outbox, hasher, clock } = tools;
  const rights = await granted(tools, actor, roles, []);
  const before = await accounts.findOne({ email: emailKey(email) }).lean<Account>();
  if (before && !before.invited) throw new SoukError("EMAIL_TAKEN");
  if (before) await requirePower(tools, actor, before);
  const request = mailRequest("invitation", clock);
  const invited = { by: actor.keyOf ?? actor.id, at: new Date(clock.now()) };
  const account: Account = {
    _id: before?._id ?? newId(),
    email: emailKey(email),
    typedEmail: email,
    name,
    ...rights,
    invited,
    // Of nobody: it is replaced when the invitation is accepted.
    passwordHash: before?.passwordHash ?? (await hasher.hash(randomBytes(32).toString("base64url"))),
    credentialVersion: before?.credentialVersion ?? 1,
    addresses: [],
    createdAt: before?.createdAt ?? new Date(clock.now()),
  };
  const event = outbox.entry(
    "user.invited",
    account._id,
    { ...mailOf(account, request), invitedBy: actor.id },
    traceparent ? { traceparent } : {},
  );
  if (before) await inviteAgain(tools, before, account, { request, event });
  else await openInvited(tools, { ...account, mail: { invitation: [request] }, outbox: [event] });
  outbox.relay(account._id, [event]);
  return account;
}

async function openInvited({ accounts }: InviteTools, account: Account): Promise<void> {
  try {
    await accounts.create(account);
  } catch (error) {
    if (isDuplicateKey(error, "email")) throw new SoukError("EMAIL_TAKEN");
    throw error;
  }
}

type Sent = {
  request: ReturnType<typeof mailRequest>;
  event: ReturnType<InviteTools["outbox"]["entry"]>;
};

/** Earlier mails are void, because they may have granted something else. */
async function inviteAgain(
  { accounts }: InviteTools,
  before: Account,
  { name, roles, staffRoles = [], scopes = [], invited }: Account,
  { request, event }: Sent,
): Promise<void> {
  const { matchedCount } = await accounts.updateOne(
    { _id: before._id, "invited.at": before.invited?.at },
    {
      $set: { name, roles, staffRoles, scopes, invited, "mail.invitation": [request] },
      $push: { outbox: event },
    },
  );
  if (matchedCount === 0) throw new SoukError("EMAIL_TAKEN");
}

/**
 * The account may be used from now on, if whoever invited may still grant what it is granted.
 * @throws {SoukError} INVALID_TOKEN; WEAK_PASSWORD, after which the token stays good
 */
export async function acceptInvitation(
  tools: InviteTools,
  { token, password, name }: { token: string; password: string; name: string },
  meta: Pick<CallMeta, "traceparent"> = {},
): Promise<Account> {
  const { accounts, hasher, outbox, clock, config, changed } = tools;
  const open = (): Record<string, unknown> => ({
    ...hasMailToken("invitation", token, clock),
    invited: trusted({ $exists: true }),
    blocked: trusted({ $ne: true }),
  });
  const account = await accounts.findOne(open()).lean<Account>();
  if (!account?.invited || !(await mayStillInvite(tools, account, account.invited.by)))
    throw new SoukError("INVALID_TOKEN");
  const email = shownEmail(account);
  await checkPasswordRules(password, { email, name, shop: config.SELLER_NAME });
  const passwordHash = await hasher.hash(password);
  const registered = outbox.entry(
    "user.registered",
    account._id,
    { ...contactOf(account), name },
    meta.traceparent ? { traceparent: meta.traceparent } : {},
  );
  const accepted = await accounts
    .findOneAndUpdate(
      open(),
      {
        // The mail came to this address, so its owner has shown that it is theirs.
        $set: { passwordHash, name, emailVerifiedAt: new Date(clock.now()) },
        $unset: { invited: 1, "mail.invitation": 1 },
        $inc: { credentialVersion: 1 },
        $push: { outbox: registered },
      },
      { returnDocument: "after" },
    )
    .lean<Account>();
  if (!accepted) throw new SoukError("INVALID_TOKEN");
  outbox.relay(accepted._id, [registered]);
  changed(accepted._id);
  return accepted;
}

/** Whoever invited may have been blocked, or have lost rights, since. */
async function mayStillInvite(tools: InviteTools, account: Account, by: string): Promise<boolean> {
  const inviting = await tools.accounts.findById(by).lean<Account>();
  if (!inviting || inviting.blocked || inviting.invited) return false;
  const scopes = (await tools.roles.scopesOf([inviting])).get(by) ?? [];
  if (inviting.roles.includes("admin")) return true;
  if (account.roles.includes("admin")) return false;
  const wanted = (await tools.roles.scopesOf([account])).get(account._id) ?? [];
  return ["staff:write" as const, ...wanted].every((it) => scopes.includes(it));
}
