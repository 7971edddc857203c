/** Stock as a file, by SKU. What is written here, an import reads. */
import { STOCK_COLUMNS } from "../rows/stock-rows.ts";
import { csvLine } from "./csv.ts";
import type { PageReader } from "./page.ts";

export const stockPage: PageReader = async (call, next) => {
  const page = await call("inventory.list", { limit: 100, ...(next === undefined ? {} : { cursor: next }) });
  const header = next === undefined ? csvLine(STOCK_COLUMNS) : "";
  const lines = page.items.map(({ sku, onHand, lowAt }) => csvLine([sku, onHand, lowAt]));
  return { text: header + lines.join(""), next: page.nextCursor };
};
