/** Stock in a CSV file: a line for each SKU. */
import { IN_SENTENCES } from "../../../broker/contract/sentences.ts";
import { type StockImport, stockImport } from "../../inventory/inventory.contract.ts";
import type { FileRecord } from "../reading/records.ts";
import { unguarded } from "./cells.ts";
import { errorsOf, numberOr, type Row } from "./row.ts";

export const STOCK_COLUMNS = ["sku", "onHand", "lowAt"] as const;

/** An empty cell of `onHand` leaves it as it is. One of `lowAt` means that nobody wants to know. */
export async function* stockRows(
  records: AsyncIterable<FileRecord>,
  columns: readonly string[],
): AsyncGenerator<Row<StockImport>> {
  for await (const { line, end, cells = [] } of records) {
    const cell = (column: string) => {
      const at = columns.indexOf(column);
      return at < 0 ? undefined : unguarded(cells[at] ?? "");
    };
    const placeOf = (field: string) => {
      const column = columns.indexOf(field);
      return { line, column: column < 0 ? null : column + 1, field };
    };
    const onHand = cell("onHand");
    const lowAt = cell("lowAt");
    const checked = stockImport.safeParse(
      {
        sku: cell("sku"),
        ...(onHand ? { onHand: numberOr(onHand) } : {}),
        ...(lowAt === undefined ? {} : { lowAt: lowAt === "" ? null : numberOr(lowAt) }),
      },
      IN_SENTENCES,
    );
    const errors = checked.success ? [] : errorsOf(checked.error.issues, placeOf);
    if (cells.slice(columns.length).some((it) => it !== ""))
      errors.push({ line, column: null, field: null, message: "has more cells than the header" });
    yield { line, end, value: errors.length === 0 ? checked.data : undefined, errors, placeOf };
  }
}
