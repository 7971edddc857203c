/** What staff see of an account. */
import type { z } from "zod";
import type { Scope } from "../../../broker/contract/contract.ts";
import type { accountView } from "../contract/staff.actions.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import { ADMIN } from "../roles/default-roles.ts";

export type AccountView = z.input<typeof accountView>;

export const accountViewOf = (account: Account, mayDo: readonly Scope[] = []): AccountView => ({
  id: account._id,
  email: shownEmail(account),
  name: account.name,
  roles: roleNamesOf(account),
  scopes: [...(account.scopes ?? [])],
  mayDo: [...mayDo],
  blocked: account.blocked ?? false,
  invited: account.invited !== undefined,
  createdAt: account.createdAt.toISOString(),
});

/** Also of accounts of before roles, which have `staff`. */
export function roleNamesOf({ roles, staffRoles, scopes }: Account): string[] {
  if (roles.includes("admin")) return [ADMIN, ...(staffRoles ?? [])];
  if (!roles.includes("staff")) return [];
  return staffRoles === undefined && scopes === undefined ? ["staff"] : [...(staffRoles ?? [])];
}
