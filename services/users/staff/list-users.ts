/** Staff's list of accounts: the newest first, or those whose address begins in some way, by address. */
import { type Model, type QueryFilter, trusted } from "mongoose";
import type { z } from "zod";
import { pageOf, readCursor, UUID } from "../../../broker/mongo/page-cursor.ts";
import type { staffActions } from "../contract/staff.actions.ts";
import type { Account } from "../models/account.model.ts";
import type { Roles } from "../roles/roles.ts";
import { role } from "../users.contract.ts";
import { type AccountView, accountViewOf } from "./account-view.ts";

type Params = z.output<typeof staffActions.listUsers.params>;

/** Behind all that begins with the same text. */
const LAST = "\u{10ffff}";

export async function listUsers(
  { accounts, roles }: { accounts: Model<Account>; roles: Roles },
  params: Params,
): Promise<{ items: AccountView[]; nextCursor: string | null }> {
  const { q, limit } = params;
  const query = q === undefined ? byAge(params) : byAddress(q.toLowerCase().normalize("NFC"), params);
  const found = await accounts
    .find(query.filter)
    .sort(query.sort)
    .limit(limit + 1)
    .lean<Account[]>();
  const { shown, nextCursor } = pageOf(found, limit, query.list, query.keyOf);
  const scopes = await roles.scopesOf(shown);
  return { items: shown.map((it) => accountViewOf(it, scopes.get(it._id))), nextCursor };
}

interface Query {
  filter: QueryFilter<Account>;
  sort: Record<string, 1 | -1>;
  list: string;
  keyOf(account: Account): string;
}

function byAge({ role, cursor }: Params): Query {
  const list = `users ${role ?? ""}`;
  return {
    filter: {
      ...having(role),
      ...(cursor === undefined ? {} : { _id: trusted({ $lt: readCursor(cursor, list, UUID) }) }),
    },
    sort: { _id: -1 },
    list,
    keyOf: (it) => it._id,
  };
}

function byAddress(start: string, { role, cursor }: Params): Query {
  const list = `users ${role ?? ""} ${start}`;
  const from = cursor === undefined ? { $gte: start } : { $gt: readCursor(cursor, list) };
  return {
    filter: { ...having(role), email: trusted({ ...from, $lt: start + LAST }) },
    sort: { email: 1 },
    list,
    keyOf: (it) => it.email,
  };
}

/** A role of tokens, or a named one. */
function having(name: string | undefined): QueryFilter<Account> {
  if (name === undefined) return {};
  const { success, data } = role.safeParse(name);
  return success ? { roles: data } : { staffRoles: name };
}
