/** Issues an order's invoice when it is paid, and credit notes for its refunds. Repeated messages change nothing. */

import type { Model } from "mongoose";
import type { ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { type DeclaredFields, printedFields } from "../../../broker/contract/fields.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import { collectionOf } from "../../../broker/mongo/documents.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { PaymentMessage } from "../payment/payment.actor.ts";
import type { PaymentState, Refund } from "../payment/state.ts";
import type { CreditNote, Invoice, InvoiceLine, Seller } from "./invoice.model.ts";
import { dayIn, NumberedSeries } from "./numbered-series.ts";
import { splitTax, splitWithin, type TaxSplit } from "./tax.ts";

export interface InvoiceTools {
  invoices: Model<Invoice>;
  creditNotes: Model<CreditNote>;
  payments: Pick<ActorHost<PaymentState, PaymentMessage>, "next" | "read">;
  /** Fields of the shop's extensions. */
  fields: DeclaredFields;
  config: Pick<
    Config,
    | "SELLER_NAME"
    | "SELLER_ADDRESS"
    | "SELLER_COUNTRY"
    | "SELLER_TAX_ID"
    | "SELLER_TIME_ZONE"
    | "TAX_NAME"
    | "TAX_RATE"
  >;
  clock: Clock;
}

export interface Invoicing {
  issueInvoice(message: Message<"order.paid">): Promise<void>;
  issueCreditNotes(message: Message<"payment.refunded">): Promise<void>;
}

export function createInvoicing({
  invoices,
  creditNotes,
  payments,
  fields,
  config,
  clock,
}: InvoiceTools): Invoicing {
  const dayOf = dayIn(config.SELLER_TIME_ZONE);
  const invoiceSeries = new NumberedSeries<Invoice>({
    collection: collectionOf(invoices),
    prefix: "",
    dayOf,
    clock,
  });
  const creditSeries = new NumberedSeries<CreditNote>({
    collection: collectionOf(creditNotes),
    prefix: "CN-",
    dayOf,
    clock,
  });
  const seller: Seller = {
    name: config.SELLER_NAME,
    address: config.SELLER_ADDRESS,
    taxId: config.SELLER_TAX_ID ?? null,
    country: config.SELLER_COUNTRY ?? null,
  };

  /** As stored, because another node may have stored one a moment ago. */
  async function refundsToCredit(paymentId: string): Promise<Refund[]> {
    const state = (await payments.read(paymentId))?.state;
    if (!state || state.status === "early") throw new Error(`there is no payment ${paymentId}`);
    return state.refunds.filter((it) => it.status === "succeeded" && it.amount > 0);
  }

  async function paidPayment(id: string) {
    const state = (await payments.next(id, 0, 0, isPaid))?.state;
    if (!state || state.status === "early") throw new Error(`payment ${id} is not paid`);
    return { id, provider: state.provider, receipt: state.receipt };
  }

  async function issueInvoice({ subject: orderId, data, time }: Message<"order.paid">): Promise<void> {
    const { number: orderNumber, customerId, shippingAddress, paymentId } = data;
    const lines = data.lines.map(invoiceLine);
    const { amount: gross, currency } = data.total;
    if (lines.reduce((sum, it) => sum + it.total, 0) !== gross)
      throw new Error(`the lines of order ${orderNumber} do not add up to its total`);
    const payment = paymentId === null ? null : await paidPayment(paymentId);
    const { TAX_NAME: taxName, TAX_RATE: taxRate } = config;
    const printed = printedFields("order", data.ext, fields);
    await invoiceSeries.add(orderId, () => ({
      orderNumber,
      customerId,
      seller,
      buyer: shippingAddress,
      lines,
      currency,
      taxName,
      taxRate,
      ...splitTax(gross, taxRate),
      gross,
      payment,
      paidOn: dayOf(Date.parse(time)),
      ...(printed.length > 0 && { printed }),
    }));
    // A refund that arrived first found no invoice. Its credit note is made here.
    if (payment && (await refundsToCredit(payment.id)).length > 0) await creditRefunds(orderId);
  }

  /**
   * Makes credit notes for all successful refunds of the invoiced payment. If the invoice does not exist yet, its
   * creation will find the refund. The payment stores a refund before it announces it. Money that never paid an order
   * has no invoice.
   */
  async function creditRefunds(orderId: string): Promise<void> {
    const invoice = await invoices.findById(orderId).lean();
    if (!invoice?.payment) return;
    const { orderNumber, customerId, buyer, currency, taxName, taxRate, payment } = invoice;
    for (const { id, amount, reason } of await refundsToCredit(payment.id)) {
      const issued = await creditNotes.find({ orderId }, { net: 1, tax: 1 }).lean();
      if (issued.some((it) => it._id === id)) continue;
      const split = splitWithin(amount, taxRate, leftOf(invoice, issued));
      await creditSeries.add(id, () => ({
        orderId,
        invoice: invoice.number,
        orderNumber,
        customerId,
        seller,
        buyer,
        reason,
        currency,
        taxName,
        taxRate,
        ...split,
        gross: amount,
        payment,
      }));
    }
  }

  return { issueInvoice, issueCreditNotes: ({ subject: orderId }) => creditRefunds(orderId) };
}

type OrderedLine = Message<"order.paid">["data"]["lines"][number] & {
  readonly options?: Readonly<Record<string, string>>;
};

function invoiceLine({ sku, name, quantity, unitPrice, total, options = {} }: OrderedLine): InvoiceLine {
  const chosen = Object.entries(options).map(([name, value]) => ({ name, value }));
  const line = { sku, name, quantity, unitPrice: unitPrice.amount, total: total.amount };
  return chosen.length === 0 ? line : { ...line, options: chosen };
}

const isPaid = (it: PaymentState): boolean => it.status !== "early" && it.captured > 0;

/** The part of the invoice that is not credited yet. */
const leftOf = (invoice: TaxSplit, issued: readonly TaxSplit[]): TaxSplit => ({
  net: issued.reduce((left, it) => left - it.net, invoice.net),
  tax: issued.reduce((left, it) => left - it.tax, invoice.tax),
});
