/** Payments as a file, the newest first. */
import { csvLine } from "./csv.ts";
import type { PageReader } from "./page.ts";

const COLUMNS = [
  "paymentId",
  "orderId",
  "provider",
  "status",
  "createdAt",
  "customerId",
  "amount",
  "paid",
  "fee",
  "captured",
  "refunded",
  "currency",
  "reference",
  "receipt",
  "disputed",
];

export const paymentsPage: PageReader = async (call, next) => {
  const page = await call("payments.list", { limit: 100, ...(next === undefined ? {} : { cursor: next }) });
  const header = next === undefined ? csvLine(COLUMNS) : "";
  const lines = page.items.map((it) =>
    csvLine([
      it.id,
      it.orderId,
      it.provider,
      it.status,
      it.createdAt,
      it.customerId,
      it.amount.amount,
      it.paid.amount,
      it.fee.amount,
      it.captured.amount,
      it.refunded.amount,
      it.amount.currency,
      it.reference,
      it.receipt,
      it.disputed,
    ]),
  );
  return { text: header + lines.join(""), next: page.nextCursor };
};
