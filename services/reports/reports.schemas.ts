/** What reports take and show. */
import { z } from "zod";
import { country, currency, date, id, sku, time } from "../../broker/contract/schemas.ts";

const amount = z.int().meta({ description: "Minor units", examples: [4900] });
const count = z
  .int()
  .min(0)
  .meta({ examples: [1] });

/** A year and a day, so that the same day of the last year can be compared. */
export const MAX_DAYS = 367;

const day = date.meta({ examples: ["2026-11-27"] });
const days = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;

export const period = {
  from: day.meta({ description: "First day, in the time zone of the reports" }),
  to: day.meta({ description: "Last day" }),
};
/** Of the parameters of a report. */
export const isPeriod = ({ from, to }: { from: string; to: string }): boolean =>
  days(from, to) >= 1 && days(from, to) <= MAX_DAYS;
export const PERIOD = { path: ["to"], message: `must not be before from, and at most ${MAX_DAYS} days` };

/** Of orders that were paid. */
const figures = {
  orders: count.meta({ description: "Orders that were paid" }),
  units: count,
  gross: amount.meta({ description: "What was ordered and paid, with tax" }),
  tax: amount.meta({ description: "The part of `gross` that is tax" }),
  refunds: amount.meta({ description: "Given back of orders that were paid, on the day that it was" }),
};

export const salesRow = z
  .strictObject({
    day: day.nullable().meta({ description: "With `by=day`" }),
    productId: id.nullable().meta({ description: "With `by=product`; null for orders of early versions" }),
    name: z
      .string()
      .nullable()
      .meta({ description: "Of the product, as it was sold last", examples: [null] }),
    country: country.nullable().meta({ description: "With `by=country`: where to", examples: [null] }),
    currency,
    ...figures,
    captured: amount.meta({ description: "With `by=day`: money taken, as in the ledger; 0 otherwise" }),
    refunded: amount.meta({ description: "With `by=day`: money given back, as in the ledger; 0 otherwise" }),
  })
  .meta({
    id: "SalesRow",
    description: "Sales of a day, of a product or to a country, in one currency",
    examples: [
      {
        day: "2026-11-27",
        productId: null,
        name: null,
        country: null,
        currency: "USD",
        orders: 1,
        units: 2,
        gross: 9800,
        tax: 1352,
        refunds: 0,
        captured: 9800,
        refunded: 0,
      },
    ],
  });
export type SalesRow = z.output<typeof salesRow>;

export const salesBy = z
  .enum(["day", "product", "country"])
  .meta({ id: "SalesBy", description: "What each row is of" });

export const stockOut = z
  .strictObject({
    sku,
    from: time.meta({ description: "Since when nothing was available" }),
    until: time.nullable().meta({ description: "Null while there is none" }),
  })
  .meta({
    id: "StockOut",
    description: "A time in which nothing of a SKU was available",
    examples: [{ sku: "LAMP-BRASS-1", from: "2026-11-27T09:31:10.000Z", until: null }],
  });

export const conversionRow = z
  .strictObject({
    day,
    placed: count.meta({ description: "Orders that were placed" }),
    paid: count.meta({ description: "Orders that were paid" }),
  })
  .meta({
    id: "ConversionRow",
    description: "How many orders of a day were placed, and how many were paid",
    examples: [{ day: "2026-11-27", placed: 2, paid: 1 }],
  });
