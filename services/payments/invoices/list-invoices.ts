/** Staff's list of invoices, the latest number first. */
import { type Model, trusted } from "mongoose";
import type { z } from "zod";
import { pageOf, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { invoiceSummary } from "../invoice-list.schemas.ts";
import type { payments } from "../payments.contract.ts";
import type { Invoice } from "./invoice.model.ts";

type ListParams = z.output<typeof payments.actions.listInvoices.params>;
type Summary = z.output<typeof invoiceSummary>;

const FIELDS = {
  year: 1,
  seq: 1,
  number: 1,
  orderNumber: 1,
  customerId: 1,
  issuedOn: 1,
  paidOn: 1,
  buyer: 1,
  currency: 1,
  net: 1,
  tax: 1,
  gross: 1,
} as const;
const YEAR_AND_SEQ = /^\d{4} \d{1,12}$/;

export async function listInvoices(
  invoices: Model<Invoice>,
  { year, limit, cursor }: ListParams,
): Promise<{ items: Summary[]; nextCursor: string | null; total?: number }> {
  const list = `invoices ${year ?? ""}`;
  const found = await invoices
    .find({ $and: [year === undefined ? {} : { year }, afterCursor(cursor, list)] }, FIELDS)
    .sort({ year: -1, seq: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, list, (it) => `${it.year} ${it.seq}`);
  // Numbers have no gaps, so the last one of a year is the count.
  const last =
    year === undefined ? undefined : await invoices.findOne({ year }, { seq: 1 }).sort({ seq: -1 }).lean();
  return { items: shown.map(summary), nextCursor, ...(year === undefined ? {} : { total: last?.seq ?? 0 }) };
}

function afterCursor(cursor: string | undefined, list: string) {
  if (cursor === undefined) return {};
  const [year = 0, seq = 0] = readCursor(cursor, list, YEAR_AND_SEQ).split(" ").map(Number);
  return { $or: [{ year: trusted({ $lt: year }) }, { year, seq: trusted({ $lt: seq }) }] };
}

function summary(it: Pick<Invoice, "_id" | keyof typeof FIELDS>): Summary {
  const money = (amount: number) => ({ amount, currency: it.currency });
  return {
    orderId: it._id,
    number: it.number,
    orderNumber: it.orderNumber,
    customerId: it.customerId,
    buyer: it.buyer.name,
    issuedOn: it.issuedOn,
    paidOn: it.paidOn,
    net: money(it.net),
    tax: money(it.tax),
    gross: money(it.gross),
  };
}
