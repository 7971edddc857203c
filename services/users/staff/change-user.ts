/** What an account may do, and whether it may be used at all, changed by staff. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import { may } from "../../../broker/contract/call-meta.ts";
import type { Scope } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { type BlockTools, blockAccount, unblockAccount } from "../accounts/block-account.ts";
import type { Account } from "../models/account.model.ts";
import { ADMIN } from "../roles/default-roles.ts";
import { type Actor, invalid, isAdmin, requireAll, requireKnown, requirePerson } from "../roles/grant.ts";
import type { Roles } from "../roles/roles.ts";
import { roleNamesOf } from "./account-view.ts";
import { type AdminTools, withoutLastAdmin } from "./last-admin.ts";

export interface PeopleTools extends BlockTools, AdminTools {
  roles: Roles;
  changed(subject: string): void;
}

export interface Changes {
  roles?: string[] | undefined;
  scopes?: Scope[] | undefined;
  blocked?: boolean | undefined;
}

/** @throws {SoukError} NOT_FOUND, FORBIDDEN, VALIDATION_FAILED, LAST_ADMIN or CONFLICT */
export async function changeUser(
  tools: PeopleTools,
  actor: Actor,
  userId: string,
  { roles, scopes, blocked }: Changes,
): Promise<Account> {
  const account = await requireUser(tools.accounts, userId);
  await requirePower(tools, actor, account);
  if (roles !== undefined || scopes !== undefined) await changeRights(tools, actor, account, roles, scopes);
  if (blocked === true) await withoutLastAdmin(tools, account, () => blockAccount(tools, userId));
  if (blocked === false) await unblockAccount(tools, userId);
  if (blocked !== undefined) tools.changed(userId);
  return requireUser(tools.accounts, userId);
}

/** @throws {SoukError} NOT_FOUND */
export async function requireUser(accounts: Model<Account>, userId: string): Promise<Account> {
  const account = await accounts.findById(userId).lean<Account>();
  if (!account) throw new SoukError("NOT_FOUND", "There is no such user.");
  return account;
}

/**
 * A member of staff is changed by those only who may change staff, and may all that the account may.
 * @throws {SoukError} FORBIDDEN
 */
export async function requirePower(
  { roles }: Pick<PeopleTools, "roles">,
  actor: Actor,
  account: Account,
): Promise<void> {
  if (!account.roles.includes("staff") || isAdmin(actor)) return;
  if (account.roles.includes("admin")) throw new SoukError("FORBIDDEN", "Only admins change admins.");
  requireAll(actor, ["staff:write", ...((await roles.scopesOf([account])).get(account._id) ?? [])]);
}

/** Roles and scopes as an account keeps them. */
export type Granted = Pick<Account, "roles" | "staffRoles" | "scopes">;

/** @throws {SoukError} VALIDATION_FAILED for an unknown name, FORBIDDEN for what the actor has not */
export async function granted(
  { roles }: Pick<PeopleTools, "roles">,
  actor: Actor,
  names: readonly string[],
  scopes: readonly Scope[],
): Promise<Granted> {
  requirePerson(actor);
  if (!may(actor, "staff:write")) throw new SoukError("FORBIDDEN", "This needs the scope staff:write.");
  requireKnown(scopes, roles.all);
  const named = [...new Set(names)].filter((it) => it !== ADMIN);
  const byRole = await roles.granted(named);
  for (const name of named) if (!byRole.has(name)) throw invalid("roles", `there is no role ${name}`);
  if (names.includes(ADMIN) && !isAdmin(actor)) throw new SoukError("FORBIDDEN", "Only admins make admins.");
  requireAll(actor, [...scopes, ...[...byRole.values()].flat()]);
  if (names.includes(ADMIN))
    return { roles: ["customer", "staff", "admin"], staffRoles: named, scopes: [...scopes] };
  if (named.length + scopes.length === 0) return { roles: ["customer"] };
  return { roles: ["customer", "staff"], staffRoles: named, scopes: [...new Set(scopes)].sort() };
}

async function changeRights(
  tools: PeopleTools,
  actor: Actor,
  account: Account,
  names: readonly string[] | undefined,
  scopes: readonly Scope[] | undefined,
): Promise<void> {
  const { accounts, changed } = tools;
  // A former account's `staff` is no role: naming scopes alone limits it to these.
  const kept = roleNamesOf(account).filter((it) => it !== "staff");
  const next = await granted(tools, actor, names ?? kept, scopes ?? account.scopes ?? []);
  const change = async () => {
    const { matchedCount } = await accounts.updateOne(asRead(account), {
      $set: next,
      $unset: {
        ...(next.staffRoles === undefined ? { staffRoles: 1 } : {}),
        ...(next.scopes === undefined ? { scopes: 1 } : {}),
      },
    });
    if (matchedCount === 0)
      throw new SoukError("CONFLICT", "The account was changed by another request meanwhile.");
  };
  await (next.roles.includes("admin") ? change() : withoutLastAdmin(tools, account, change));
  changed(account._id);
}

/** The account with the rights on which the decision was made. */
const asRead = ({ _id, roles, staffRoles, scopes }: Account): QueryFilter<Account> => ({
  _id,
  roles: trusted({ $eq: roles }),
  staffRoles: staffRoles ? trusted({ $eq: staffRoles }) : trusted({ $exists: false }),
  scopes: scopes ? trusted({ $eq: scopes }) : trusted({ $exists: false }),
});
