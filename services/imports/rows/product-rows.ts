/** Products of a CSV file: a line for each variant, and the lines of one product together. */
import { IN_SENTENCES } from "../../../broker/contract/sentences.ts";
import { type ProductImport, productImport } from "../../products/products.contract.ts";
import type { FileRecord } from "../reading/records.ts";
import { optionsOf, unguarded, valuesOf } from "./cells.ts";
import { booleanOr, errorsOf, numberOr, type Row } from "./row.ts";

export const PRODUCT_COLUMNS = [
  "slug",
  "name",
  "description",
  "categories",
  "images",
  "published",
  "sku",
  "price",
  "currency",
  "options",
] as const;
type Column = (typeof PRODUCT_COLUMNS)[number];

/** More lines of one product are read, and refused with the product. */
const MAX_LINES = 101;

interface Line {
  line: number;
  cells: Partial<Record<Column, string>>;
  /** Cells behind the last column. */
  extra: boolean;
}

/** @param columns of the file, in their order */
export async function* productRows(
  records: AsyncIterable<FileRecord>,
  columns: readonly string[],
): AsyncGenerator<Row<ProductImport>> {
  let lines: Line[] = [];
  let end: FileRecord["end"] | undefined;
  for await (const record of records) {
    const { line, cells = [] } = record;
    const extra = cells.slice(columns.length).some((it) => it !== "");
    const next = { line, cells: cellsOf(cells, columns), extra };
    const [first] = lines;
    const continues = first && next.cells.slug !== undefined && next.cells.slug === first.cells.slug;
    if (end && !continues) {
      yield rowOf(lines, columns, end);
      lines = [];
    }
    if (lines.length < MAX_LINES) lines.push(next);
    end = record.end;
  }
  if (end) yield rowOf(lines, columns, end);
}

/** Empty cells of a slug count as none. */
function cellsOf(cells: readonly string[], columns: readonly string[]): Line["cells"] {
  const named: Partial<Record<Column, string>> = {};
  for (const column of PRODUCT_COLUMNS) {
    const at = columns.indexOf(column);
    if (at < 0) continue;
    const text = unguarded(cells[at] ?? "");
    if (column !== "slug" || text !== "") named[column] = text;
  }
  return named;
}

function rowOf(
  lines: readonly Line[],
  columns: readonly string[],
  end: Row<never>["end"],
): Row<ProductImport> {
  const [first] = lines;
  if (!first) throw new Error("a row has no lines");
  const placeOf = placesIn(lines, columns);
  const errors = [...extraCells(lines), ...differences(lines, placeOf)];
  const checked = productImport.safeParse(productOf(lines), IN_SENTENCES);
  if (!checked.success) errors.push(...errorsOf(checked.error.issues, placeOf));
  const value = errors.length === 0 ? checked.data : undefined;
  return { line: first.line, end, value, errors, placeOf };
}

/** What is said of the whole product stands in its first line. Further lines repeat it, or leave it out. */
function productOf(lines: readonly Line[]): unknown {
  const { slug, name, description, categories, images, published, sku } = lines[0]?.cells ?? {};
  return {
    ...given("slug", slug),
    ...given("name", name || undefined),
    ...given("description", description),
    ...given("categories", categories && valuesOf(categories)),
    ...given("images", images && valuesOf(images)),
    ...given("published", published ? booleanOr(published) : undefined),
    ...(categories === "" ? { categories: [] } : {}),
    ...(images === "" ? { images: [] } : {}),
    ...(sku === undefined ? {} : { variants: lines.map(({ cells }) => variantOf(cells)) }),
  };
}

const given = (name: Column, value: unknown) => (value === undefined ? {} : { [name]: value });

function variantOf({ sku, price = "", currency = "", options = "" }: Line["cells"]): unknown {
  return { sku, price: { amount: numberOr(price), currency }, options: optionsOf(options) ?? options };
}

const extraCells = (lines: readonly Line[]): Row<never>["errors"] =>
  lines
    .filter((it) => it.extra)
    .map(({ line }) => ({ line, column: null, field: null, message: "has more cells than the header" }));

const OF_PRODUCT = ["name", "description", "categories", "images", "published"] as const;

function differences(
  [first, ...others]: readonly Line[],
  placeOf: Row<never>["placeOf"],
): Row<never>["errors"] {
  return others.flatMap(({ line, cells }) =>
    OF_PRODUCT.filter((it) => cells[it] && cells[it] !== first?.cells[it]).map((field) => ({
      ...placeOf(field),
      line,
      message: "is not what the first line of the product says",
    })),
  );
}

/** Path of a field → line and column: `variants.2.price.amount` is in the third line, in the column `price`. */
const placesIn =
  (lines: readonly Line[], columns: readonly string[]): Row<never>["placeOf"] =>
  (path) => {
    const [top = "", number = "", ofVariant = ""] = path.split(".");
    const inVariant = top === "variants";
    const at = inVariant ? Number(number) : 0;
    const field = inVariant ? variantColumn(ofVariant, path) : top;
    const column = columns.indexOf(field);
    return {
      line: (lines[at] ?? lines[0])?.line ?? 0,
      column: column < 0 ? null : column + 1,
      field: field === "" ? null : field,
    };
  };

const variantColumn = (name: string, path: string): string =>
  path.endsWith(".price.currency") ? "currency" : name === "" ? "sku" : name;
