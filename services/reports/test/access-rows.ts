/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import { everyone, type Rows, staffOnly } from "../../../test/e2e/support/access.ts";

const period = { from: "2026-11-01", to: "2026-11-30", limit: "5" };

export const rows: Rows = {
  "reports.sales": {
    expect: staffOnly(200),
    ask: () => ({ path: "/stats/sales", query: { ...period, by: "country" } }),
  },
  "reports.products": {
    expect: staffOnly(200),
    ask: () => ({ path: "/stats/products", query: period }),
  },
  "reports.stockOuts": {
    expect: staffOnly(200),
    ask: () => ({ path: "/stats/stock-outs", query: period }),
  },
  "reports.conversion": {
    expect: staffOnly(200),
    ask: () => ({ path: "/stats/conversion", query: period }),
  },
  "reports.related": {
    expect: everyone(200),
    ask: (world) => ({ path: `/products/${world.article.productId}/related`, query: { limit: "5" } }),
  },
};
