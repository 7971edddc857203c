/** What roles grant. They are read anew each time, so that a change counts at once on every node. */
import { type Model, trusted } from "mongoose";
import type { Scope } from "../../../broker/contract/contract.ts";
import type { StaffRole } from "./role.model.ts";
import { type Rights, scopesOf } from "./scopes.ts";

export interface Roles {
  /** All scopes that there are in this shop. */
  readonly all: readonly Scope[];
  /** The scopes of those of these roles that there are. */
  granted(names: readonly string[]): Promise<ReadonlyMap<string, readonly Scope[]>>;
  /** What these accounts may do as staff, by their ids. */
  scopesOf(accounts: readonly (Rights & { _id: string })[]): Promise<ReadonlyMap<string, readonly Scope[]>>;
}

export function createRoles(roles: Model<StaffRole>, all: readonly Scope[]): Roles {
  async function granted(names: readonly string[]): Promise<ReadonlyMap<string, readonly Scope[]>> {
    if (names.length === 0) return new Map();
    const found = await roles.find({ _id: trusted({ $in: [...new Set(names)] }) }).lean<StaffRole[]>();
    return new Map(found.map((it) => [it._id, it.scopes]));
  }

  return {
    all,
    granted,
    async scopesOf(accounts) {
      const byRole = await granted(accounts.flatMap((it) => it.staffRoles ?? []));
      return new Map(accounts.map((it) => [it._id, scopesOf(it, all, byRole)]));
    },
  };
}
