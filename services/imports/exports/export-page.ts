/**
 * Exported files, a part at a time. Each part is a page of a list. Lists of what is added all the time go from the newest to
 * the oldest, or end with what there was at the beginning, so that a file has an end.
 */
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { ExportFile } from "../imports.schemas.ts";
import { customersPage } from "./customers.ts";
import { ordersPage } from "./orders.ts";
import type { ExportedPage, PageReader } from "./page.ts";
import { paymentsPage } from "./payments.ts";
import { productLinesPage, productsPage } from "./products.ts";
import { stockPage } from "./stock.ts";

const READERS: Readonly<Record<ExportFile, PageReader>> = {
  "products.csv": productsPage,
  "products.jsonl": productLinesPage,
  "stock.csv": stockPage,
  "orders.csv": ordersPage,
  "customers.csv": customersPage,
  "payments.csv": paymentsPage,
};

export const exportPage = (
  call: TypedCall,
  file: ExportFile,
  next: string | undefined,
  now: number,
): Promise<ExportedPage> => READERS[file](call, next, now);
