/** Scopes: what staff and keys may be allowed to do, one area each, to read or to write. */
import type { Scope, ServiceContract } from "../../../broker/contract/contract.ts";
import type { Account } from "../models/account.model.ts";

/** Areas of the core, also those whose routes declare nothing of it yet. Extensions add theirs by declaring them. */
const AREAS = [
  "catalogue",
  "stock",
  "orders",
  "payments",
  "deliveries",
  "returns",
  "customers",
  "staff",
  "reviews",
  "notifications",
  "webhooks",
  "audit",
  "reports",
  "imports",
  "operations",
] as const;

/** All scopes that there are in this shop, sorted. */
export function shopScopes(contracts: readonly ServiceContract[]): readonly Scope[] {
  const core = AREAS.flatMap((it): Scope[] => [`${it}:read`, `${it}:write`]);
  const declared = contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap(({ scope, alsoScope, widerScope }) =>
      [scope, alsoScope, widerScope].filter((it) => it !== undefined),
    ),
  );
  return [...new Set([...core, ...declared])].sort();
}

/** Of an account, what decides about its scopes. */
export type Rights = Pick<Account, "roles" | "staffRoles" | "scopes">;

/** Who grants rights can give itself all others. So accounts of before roles do not have these. */
const isOfStaff = (scope: Scope): boolean => scope.startsWith("staff:");

/**
 * What an account may do as staff.
 * @param all the shop's scopes
 * @param roles the scopes of roles by their names; a role that is gone grants nothing
 */
export function scopesOf(
  { roles, staffRoles, scopes }: Rights,
  all: readonly Scope[],
  granted: ReadonlyMap<string, readonly Scope[]>,
): readonly Scope[] {
  if (roles.includes("admin")) return all;
  if (!roles.includes("staff")) return [];
  // An account of before roles: staff could do everything but make others staff.
  if (staffRoles === undefined && scopes === undefined) return all.filter((it) => !isOfStaff(it));
  const given = [...(scopes ?? []), ...(staffRoles ?? []).flatMap((it) => granted.get(it) ?? [])];
  return [...new Set(given)].sort();
}
