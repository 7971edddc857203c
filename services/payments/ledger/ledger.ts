/** Writing and reading the ledger. */

import type { Model } from "mongoose";
import type { ParamsIn } from "../../../broker/contract/contract.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import { beforeTimeAndId, fromCursor, pageOf, TIME_AND_ID } from "../page-key.ts";
import { type Balance, type Booking, isBalanced, type Transaction, transactionOf } from "./transaction.ts";

type Ledger = Model<Transaction>;

/** Records it once. Its id is derived from its subject. */
export async function bookMoney(ledger: Ledger, booking: Booking): Promise<void> {
  await writeGroup(collectionOf(ledger)).insertNew(transactionOf(booking));
}

type ListParams = Omit<ParamsIn<"payments.ledger">, "limit"> & { limit: number };

/** Newest first, of one payment or of all. */
export async function listTransactions(ledger: Ledger, { paymentId, limit, cursor }: ListParams) {
  const found = await ledger
    .find({
      ...(paymentId === undefined ? {} : { paymentId }),
      ...(cursor === undefined ? {} : beforeTimeAndId(fromCursor(cursor, TIME_AND_ID))),
    })
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, (it) => `${it.at} ${it._id}`);
  return { items: shown.map(({ _id, ...it }) => ({ id: _id, ...it })), nextCursor };
}

/** Balances of all accounts. It reads the whole ledger, so use it once a day and not every minute. */
export async function readBalances(ledger: Ledger): Promise<{ items: Balance[]; balanced: boolean }> {
  const sums = await ledger.aggregate<{ _id: { account: string; currency: string }; amount: number }>([
    { $unwind: "$entries" },
    {
      $group: {
        _id: { account: "$entries.account", currency: "$currency" },
        amount: { $sum: "$entries.amount" },
      },
    },
    { $sort: { "_id.currency": 1, "_id.account": 1 } },
  ]);
  const items = sums.map(({ _id, amount }) => ({ ..._id, amount }));
  return { items, balanced: isBalanced(items) };
}
