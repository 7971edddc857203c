/** Orders as a file, the newest first, with a row for each line. */
import type { Returned } from "../../../broker/contract/contract.ts";
import { csvLine } from "./csv.ts";
import type { PageReader } from "./page.ts";

const COLUMNS = [
  "orderId",
  "number",
  "status",
  "createdAt",
  "customerId",
  "customerEmail",
  "customerName",
  "country",
  "sku",
  "productId",
  "name",
  "quantity",
  "unitPrice",
  "lineTotal",
  "orderTotal",
  "currency",
];

export const ordersPage: PageReader = async (call, next) => {
  const page = await call("orders.list", {
    all: true,
    limit: 100,
    ...(next === undefined ? {} : { cursor: next }),
  });
  const header = next === undefined ? csvLine(COLUMNS) : "";
  return { text: header + page.items.flatMap(linesOf).join(""), next: page.nextCursor };
};

type Order = Returned<"orders.list">["items"][number];

const linesOf = (order: Order): string[] =>
  order.lines.map((line) =>
    csvLine([
      order.id,
      order.number,
      order.status,
      order.createdAt,
      order.customer.id,
      order.customer.email,
      order.customer.name,
      order.shippingAddress.country,
      line.sku,
      line.productId,
      line.name,
      line.quantity,
      line.unitPrice.amount,
      line.total.amount,
      order.total.amount,
      order.total.currency,
    ]),
  );
