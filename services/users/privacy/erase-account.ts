/**
 * Erases an account. One update removes what is known of the person and sends `user.erased`, on which each service erases
 * its own. The emptied document stays: it holds the event until it is confirmed, and nobody can sign in to it.
 */
import { randomBytes } from "node:crypto";
import type { Model } from "mongoose";
import type { ApiKey } from "../api-keys/api-key.model.ts";
import type { PasswordHasher } from "../credentials/hash-password.ts";
import type { Account } from "../models/account.model.ts";
import type { Actor } from "../roles/grant.ts";
import { type PeopleTools, requirePower, requireUser } from "../staff/change-user.ts";
import { withoutLastAdmin } from "../staff/last-admin.ts";

export interface EraseTools extends PeopleTools {
  apiKeys: Model<ApiKey>;
  hasher: PasswordHasher;
}

/** @throws {SoukError} NOT_FOUND, FORBIDDEN or LAST_ADMIN */
export async function eraseUser(tools: EraseTools, actor: Actor, userId: string): Promise<void> {
  const account = await requireUser(tools.accounts, userId);
  await requirePower(tools, actor, account);
  await eraseAccount(tools, account);
}

/** @throws {SoukError} LAST_ADMIN */
export async function eraseAccount(tools: EraseTools, account: Account): Promise<void> {
  const { accounts, hasher, outbox } = tools;
  const { _id } = account;
  const erased = outbox.entry("user.erased", _id, { userId: _id });
  const passwordHash = await hasher.hash(randomBytes(32).toString("base64url"));
  await withoutLastAdmin(tools, account, () =>
    accounts.updateOne(
      { _id },
      {
        $set: {
          email: `${_id}@erased.invalid`,
          name: "erased",
          roles: ["customer"],
          addresses: [],
          blocked: true,
          passwordHash,
        },
        $unset: {
          typedEmail: 1,
          staffRoles: 1,
          scopes: 1,
          invited: 1,
          knownAddresses: 1,
          emailVerifiedAt: 1,
          mail: 1,
          emailChange: 1,
          identities: 1,
          totp: 1,
          totpPending: 1,
          ext: 1,
        },
        $inc: { credentialVersion: 1 },
        $push: { outbox: erased },
      },
    ),
  );
  outbox.relay(_id, [erased]);
  await endAccess(tools, _id);
}

/** Sessions and keys of an account that is gone. A repeated call changes nothing. */
export async function endAccess(
  { apiKeys, sessions, changed }: Pick<EraseTools, "apiKeys" | "sessions" | "changed">,
  userId: string,
): Promise<void> {
  await apiKeys.deleteMany({ createdBy: userId });
  await sessions.endOthers(userId);
  changed(userId);
}
