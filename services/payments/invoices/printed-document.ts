/** The printed content of invoices and credit notes. The same layout prints both. */

import type { Address } from "../../../broker/contract/schemas.ts";
import { minorDigits } from "../../../broker/contract/values/currency.ts";
import type { CreditNote, Invoice, Seller } from "./invoice.model.ts";
import { BASIS_POINTS } from "./tax.ts";
import { isolated, isolatedPair } from "./typesetting/clean-text.ts";

export interface PrintedLine {
  name: string;
  /** In small print below the name, each on its own line. */
  details: readonly string[];
  quantity: string;
  unitPrice: string;
  total: string;
}

/** Texts of people within others are {@link isolated}. */
export interface PrintedDocument {
  title: "Invoice" | "Credit note";
  number: string;
  fileName: string;
  issuedAt: Date;
  seller: Pick<Seller, "name" | "address" | "taxId">;
  /** Of the buyer. It decides between shapes of Chinese characters. */
  country: string;
  /** Address lines, as on an envelope. */
  buyer: readonly string[];
  facts: readonly (readonly [label: string, value: string])[];
  lines: readonly PrintedLine[];
  /** The last one is the amount that counts. */
  totals: readonly (readonly [label: string, value: string])[];
  remarks: readonly string[];
}

/** What people call a payment provider. */
export type TitleOf = (provider: string) => string;

export function printedInvoice(it: Invoice, titleOf: TitleOf): PrintedDocument {
  const amount = amountsIn(it.currency);
  return {
    title: "Invoice",
    ...common(it),
    fileName: `invoice-${it.number}.pdf`,
    facts: [
      ["Invoice number", it.number],
      ["Date", longDate(it.issuedOn)],
      ["Order", it.orderNumber],
      ["Paid on", longDate(it.paidOn)],
    ],
    lines: it.lines.map((line) => ({
      name: line.name,
      details: [line.sku, ...optionsOf(line)],
      quantity: String(line.quantity),
      unitPrice: amount(line.unitPrice),
      total: amount(line.total),
    })),
    totals: [...netAndTax(it), ["Total paid", amount(it.gross)]],
    remarks: [
      ...(it.printed ?? []).map(({ label, text }) => isolatedPair(label, text)),
      paidBy(it.payment, titleOf),
      `Prices are in ${it.currency}${it.taxRate === 0 ? "." : ` and include ${taxLabel(it)}.`}`,
    ],
  };
}

function paidBy(payment: Invoice["payment"], titleOf: TitleOf): string {
  if (!payment) return "There was nothing to pay.";
  const receipt = payment.receipt === null ? "" : `, receipt ${isolated(payment.receipt)}`;
  return `Paid in full by ${isolated(titleOf(payment.provider))}${receipt}. Nothing is left to pay.`;
}

export function printedCreditNote(it: CreditNote, titleOf: TitleOf): PrintedDocument {
  const amount = amountsIn(it.currency);
  return {
    title: "Credit note",
    ...common(it),
    fileName: `credit-note-${it.number}.pdf`,
    facts: [
      ["Credit note number", it.number],
      ["Date", longDate(it.issuedOn)],
      ["For invoice", it.invoice],
      ["Order", it.orderNumber],
    ],
    lines: [
      {
        name: `Refund: ${isolated(it.reason)}`,
        details: [`for invoice ${it.invoice}`],
        quantity: "1",
        unitPrice: amount(it.gross),
        total: amount(it.gross),
      },
    ],
    totals: [...netAndTax(it), ["Total refunded", amount(it.gross)]],
    remarks: [
      `The refund was made by ${isolated(titleOf(it.payment.provider))}.`,
      `Amounts are in ${it.currency}.`,
    ],
  };
}

const common = ({ number, issuedAt, seller, buyer }: Invoice | CreditNote) => ({
  number,
  issuedAt: new Date(issuedAt),
  seller,
  country: buyer.country,
  buyer: envelopeOf(buyer),
});

/** `Size: M · Colour: Red` */
function optionsOf({ options = [] }: Invoice["lines"][number]): string[] {
  if (options.length === 0) return [];
  return [options.map(({ name, value }) => isolatedPair(name, value)).join(" · ")];
}

/** None where there is no tax. */
const netAndTax = (it: Invoice | CreditNote): PrintedDocument["totals"] => {
  if (it.taxRate === 0) return [];
  const amount = amountsIn(it.currency);
  return [
    ["Net", amount(it.net)],
    [taxLabel(it), amount(it.tax)],
  ];
};

/** `VAT 7.5 %` */
const taxLabel = ({ taxName, taxRate }: Pick<Invoice, "taxName" | "taxRate">): string =>
  `${isolated(taxName)} ${(taxRate * 100) / BASIS_POINTS} %`;

/** Made for the first invoice: they load ICU's data, which would cost each start 40 ms. */
let countries: Intl.DisplayNames | undefined;
let dates: Intl.DateTimeFormat | undefined;

function envelopeOf(it: Address): string[] {
  const place = [it.postalCode, it.city, it.region].filter(Boolean).join(" ");
  countries ??= new Intl.DisplayNames("en", { type: "region", fallback: "code" });
  return [it.name, it.line1, it.line2, place, countries.of(it.country)].filter((line) => line !== undefined);
}

function longDate(day: string): string {
  dates ??= new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return dates.format(new Date(`${day}T00:00:00Z`));
}

/** Formats minor units as usual for the currency: `$12.99`, `¥1,299`, `KWD 1.299`. */
export function amountsIn(currency: string): (minorUnits: number) => string {
  const digits = minorDigits(currency);
  const format = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return (minorUnits) => {
    const text = String(minorUnits).padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits);
    // As text, because a double does not have all digits of every amount.
    return format.format((digits === 0 ? whole : `${whole}.${text.slice(-digits)}`) as `${number}`);
  };
}
