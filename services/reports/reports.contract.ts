import { z } from "zod";
import { type ActionsOf, action, defineContract } from "../../broker/contract/contract.ts";
import { cursor, id, limit, list, page, slug } from "../../broker/contract/schemas.ts";
import { productView } from "../products/products.contract.ts";
import { reportsConfig } from "./reports.config.ts";
import { conversionRow, isPeriod, PERIOD, period, salesBy, salesRow, stockOut } from "./reports.schemas.ts";

export const reports = defineContract({
  service: "reports",
  config: reportsConfig,
  description:
    "Figures of the shop, counted from events: sales, stock-outs, conversion, and what is bought together.",
  actions: {
    sales: action({
      summary: "Sales by day, product or country",
      description:
        "Days are those of `REPORTS_TIME_ZONE`. Currencies are apart. By day in the order of days; by product and by " +
        "country, those that sold for most come first. Figures have everything that the service has heard of.",
      operationId: "getSales",
      rest: "GET /stats/sales",
      auth: "staff",
      scope: "reports:read",
      params: z
        .strictObject({
          ...period,
          by: salesBy.default("day").meta({ description: "What each row is of, days unless told" }),
          limit,
          cursor,
        })
        .refine(isPeriod, PERIOD),
      returns: page(salesRow),
    }),
    products: action({
      summary: "What sells best",
      description: "Products of a period by units sold, the most first.",
      operationId: "getBestsellers",
      rest: "GET /stats/products",
      auth: "staff",
      scope: "reports:read",
      params: z.strictObject({ ...period, limit, cursor }).refine(isPeriod, PERIOD),
      returns: page(salesRow),
    }),
    stockOuts: action({
      summary: "When nothing of a SKU was available, the latest first",
      operationId: "listStockOuts",
      rest: "GET /stats/stock-outs",
      auth: "staff",
      scope: "reports:read",
      params: z.strictObject({ ...period, limit, cursor }).refine(isPeriod, PERIOD),
      returns: page(stockOut),
    }),
    conversion: action({
      summary: "How many orders were placed, and how many were paid",
      description: "Each is counted on the day that it happened: an order of Monday may be paid on Tuesday.",
      operationId: "getConversion",
      rest: "GET /stats/conversion",
      auth: "staff",
      scope: "reports:read",
      params: z.strictObject({ ...period, limit, cursor }).refine(isPeriod, PERIOD),
      returns: page(conversionRow),
    }),
    related: action({
      summary: "What is bought together with a product",
      description:
        "Published products that were in the same paid orders, most often first; then others of its category.",
      operationId: "listRelatedProducts",
      rest: "GET /products/:id/related",
      auth: "public",
      shared: true,
      params: z.strictObject({
        id: z.union([id, slug]).meta({ description: "Id or slug of the product" }),
        limit: z.coerce
          .number<number | string>()
          .int()
          .min(1)
          .max(20)
          .default(8)
          .meta({ description: "How many at most" }),
      }),
      returns: list(productView),
      errors: ["NOT_FOUND"],
    }),
  },
  messages: {},
  workers: {
    record: {
      receives: [
        "order.placed",
        "order.paid",
        "payment.captured",
        "payment.refunded",
        "stock.depleted",
        "stock.replenished",
      ],
    },
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof reports> {}
}
