/**
 * Invoices and credit notes as stored: written once, never changed. Each is complete, with the seller and the tax
 * rate of its day. An order has one invoice, with the order's id. A credit note has the id of its refund.
 */
import { Schema } from "mongoose";
import type { Address } from "../../../broker/contract/schemas.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { Numbered } from "./numbered-series.ts";

export interface Seller {
  name: string;
  /** Address lines, as on an envelope. */
  address: readonly string[];
  taxId: string | null;
  /** ISO 3166-1 alpha-2. Documents of earlier versions have none. */
  country?: string | null;
}

/** Fields of both kinds. Amounts are minor units of `currency`. */
interface Accounting extends Numbered {
  orderNumber: string;
  customerId: string;
  seller: Seller;
  buyer: Address;
  currency: string;
  taxName: string;
  /** Basis points. */
  taxRate: number;
  net: number;
  tax: number;
  gross: number;
}

interface Paid {
  id: string;
  provider: string;
  receipt: string | null;
}

export interface InvoiceLine {
  sku: string;
  name: string;
  quantity: number;
  /** Including tax, as all prices. */
  unitPrice: number;
  total: number;
  /** What was chosen, in the order of the variant. A list, because names may be any text. */
  options?: readonly { name: string; value: string }[];
}

export interface Invoice extends Accounting {
  /** Null where there was nothing to pay. */
  payment: Paid | null;
  lines: readonly InvoiceLine[];
  /** The day in the seller's time zone. */
  paidOn: string;
  /** Fields of extensions that are printed, each with its label. */
  printed?: readonly { label: string; text: string }[];
}

export interface CreditNote extends Accounting {
  orderId: string;
  /** Number of the invoice that it credits, in part or completely. */
  invoice: string;
  payment: Paid;
  reason: string;
}

const text = { type: String, required: true };
const whole = { type: Number, required: true };
const part = { _id: false, id: false };
const accounting = {
  _id: text,
  year: whole,
  seq: whole,
  number: text,
  issuedAt: text,
  issuedOn: text,
  orderNumber: text,
  customerId: text,
  seller: {
    type: new Schema({ name: text, address: [String], taxId: String, country: String }, part),
    required: true,
  },
  buyer: { type: Schema.Types.Mixed, required: true },
  currency: text,
  taxName: text,
  taxRate: whole,
  net: whole,
  tax: whole,
  gross: whole,
};
const payment = new Schema({ id: text, provider: text, receipt: String }, part);
const option = new Schema({ name: String, value: String }, part);
const line = new Schema(
  {
    sku: text,
    name: text,
    quantity: whole,
    unitPrice: whole,
    total: whole,
    options: { type: [option], default: undefined },
  },
  part,
);

export const invoiceModel = defineModel<Invoice>(
  "invoices",
  new Schema<Invoice>(
    {
      ...accounting,
      payment: { type: payment, default: null },
      lines: [line],
      paidOn: text,
      printed: { type: [new Schema({ label: text, text }, part)], default: undefined },
    },
    { versionKey: false },
  ),
);
export const creditNoteModel = defineModel<CreditNote>(
  "credit_notes",
  new Schema<CreditNote>(
    {
      ...accounting,
      payment: { type: payment, required: true },
      orderId: text,
      invoice: text,
      reason: text,
    },
    { versionKey: false },
  ),
);
