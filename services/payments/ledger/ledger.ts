/** Writing and reading the ledger. */

import type { Model } from "mongoose";
import type { ParamsIn } from "../../../broker/contract/contract.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { beforeTimeAndId, pageOf, timeAndId } from "../../../broker/mongo/page-cursor.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import { type Balance, type Booking, isBalanced, type Transaction, transactionOf } from "./transaction.ts";

/** For cursors. */
const LIST = "ledger";

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
      ...beforeTimeAndId(cursor, LIST),
    })
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, LIST, timeAndId);
  const items = shown.map(({ _id, entries, ...it }) => ({
    id: _id,
    ...it,
    entries: entries.map((entry) => ({ ...entry, currency: it.currency })),
  }));
  return { items, nextCursor };
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
