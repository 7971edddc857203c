/** An invoice in staff's list. */
import { z } from "zod";
import { date, id, money } from "../../broker/contract/schemas.ts";

export const invoiceSummary = z
  .strictObject({
    orderId: id.meta({ description: "Id of the order, where the invoice is: GET /orders/:id/invoice.pdf" }),
    number: z.string().meta({ description: "Of the invoice", examples: ["2026-000001"] }),
    orderNumber: z.string().meta({ description: "Of the order", examples: ["261127-7K2QF-M9DXA"] }),
    customerId: id,
    buyer: z.string().meta({ description: "Name on the invoice", examples: ["Ann Example"] }),
    issuedOn: date,
    paidOn: date,
    net: money,
    tax: money,
    gross: money,
  })
  .meta({
    id: "InvoiceSummary",
    description: "An invoice as listed for staff",
    examples: [
      {
        orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
        number: "2026-000001",
        orderNumber: "261127-7K2QF-M9DXA",
        customerId: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
        buyer: "Ann Example",
        issuedOn: "2026-11-27",
        paidOn: "2026-11-27",
        net: { amount: 8235, currency: "USD" },
        tax: { amount: 1565, currency: "USD" },
        gross: { amount: 9800, currency: "USD" },
      },
    ],
  });
export const invoiceYear = z.coerce
  .number<number | string>()
  .int()
  .min(2000)
  .max(9999)
  .optional()
  .meta({ description: "Year of the numbers; all years without", examples: [2026] });
