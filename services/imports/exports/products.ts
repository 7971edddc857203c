/** Products as files. What is written here, an import reads. */
import type { Returned } from "../../../broker/contract/contract.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import { listCell, optionsCell } from "../rows/cells.ts";
import { PRODUCT_COLUMNS } from "../rows/product-rows.ts";
import { csvLine } from "./csv.ts";
import { idRange, nextRange } from "./id-range.ts";
import type { PageReader } from "./page.ts";

const PAGE = 250;

type Exported = Returned<"products.exportPage">[number];

export const productsPage: PageReader = async (call, next, now) => {
  const { products, following } = await readPage(call, next, now);
  const header = next === undefined ? csvLine(PRODUCT_COLUMNS) : "";
  return { text: header + products.flatMap(linesOf).join(""), next: following };
};

export const productLinesPage: PageReader = async (call, next, now) => {
  const { products, following } = await readPage(call, next, now);
  const lines = products.map(({ id: _id, ...product }) => `${JSON.stringify(product)}\n`);
  return { text: lines.join(""), next: following };
};

async function readPage(call: TypedCall, next: string | undefined, now: number) {
  const { until, after } = idRange(next, now);
  const products = await call("products.exportPage", {
    until,
    limit: PAGE,
    ...(after === undefined ? {} : { after }),
  });
  const following = nextRange(until, products.at(-1)?.id, products.length === PAGE);
  return { products, following };
}

/** The product is described in the line of its first variant. */
function linesOf({ slug, name, description, categories, images, published, variants }: Exported): string[] {
  return variants.map(({ sku, price, options }, at) =>
    csvLine([
      slug,
      ...(at === 0
        ? [name, description, listCell(categories), listCell(images), published]
        : ["", "", "", "", ""]),
      sku,
      price.amount,
      price.currency,
      optionsCell(options),
    ]),
  );
}
