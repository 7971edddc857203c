/** An invoice as stored, for tests of what is made from it. */
import type { Invoice } from "../../services/payments/invoices/invoice.model.ts";
import { splitTax } from "../../services/payments/invoices/tax.ts";
import { anAddress } from "../../souk/testing/address.ts";

export const anInvoiceLine = (n: number, name = `Brass lamp ${n}`) => ({
  sku: `LAMP-${n}`,
  name,
  quantity: 2,
  unitPrice: 61_700 + n,
  total: 2 * (61_700 + n),
});

export function anInvoice(changes: Partial<Invoice> = {}): Invoice {
  const lines = changes.lines ?? [anInvoiceLine(1), anInvoiceLine(2)];
  const gross = lines.reduce((sum, it) => sum + it.total, 0);
  const taxRate = changes.taxRate ?? 1_600;
  return {
    _id: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
    year: 2026,
    seq: 42,
    number: "2026-000042",
    issuedAt: "2026-11-21T10:00:00.000Z",
    issuedOn: "2026-11-21",
    paidOn: "2026-11-20",
    orderNumber: "S-7K3Q9F",
    customerId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b22",
    seller: { name: "Mombasa Lamps Ltd", address: ["12 Moi Avenue", "80100 Mombasa"], taxId: "P051234567X" },
    buyer: anAddress({ country: "KE" }),
    currency: "KES",
    taxName: "VAT",
    taxRate,
    ...splitTax(gross, taxRate),
    gross,
    payment: { id: "p", provider: "mpesa", receipt: "SKJ7X2Q1LM" },
    lines,
    ...changes,
  };
}
