/** A page of all accounts by id, for files. Nothing secret is in it. */
import { type Model, trusted } from "mongoose";
import { type Account, shownEmail } from "../models/account.model.ts";

export interface AccountRange {
  after?: string | undefined;
  /** Only those that are older. */
  until: string;
  limit: number;
}

export async function exportAccounts(accounts: Model<Account>, { after, until, limit }: AccountRange) {
  const range = { $lt: until, ...(after === undefined ? {} : { $gt: after }) };
  const found = await accounts
    .find({ _id: trusted(range) }, { email: 1, typedEmail: 1, name: 1, roles: 1, createdAt: 1 })
    .sort({ _id: 1 })
    .limit(limit)
    .lean<Account[]>();
  return found.map((it) => ({
    id: it._id,
    email: shownEmail(it),
    name: it.name,
    roles: it.roles,
    createdAt: it.createdAt.toISOString(),
  }));
}
