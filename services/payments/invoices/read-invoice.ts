/** Invoices and credit notes for the customer and for staff. */
import type { Model } from "mongoose";
import { isStaff } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { ActionContext } from "../../../broker/moleculer/handlers.ts";
import type { CreditNote, Invoice } from "./invoice.model.ts";
import type { PdfPrinter } from "./pdf-printer.ts";
import { type PrintedDocument, printedCreditNote, printedInvoice } from "./printed-document.ts";

interface Tools {
  invoices: Model<Invoice>;
  creditNotes: Model<CreditNote>;
  printer: PdfPrinter;
}

type Asked = Pick<ActionContext<{ id: string }>, "params" | "meta" | "call">;

/** The largest number of refunds of a payment. Further ones are not shown. */
const MAX_NOTES = 500;

/** @throws {SoukError} NOT_FOUND for no order and for another customer's, INVOICE_NOT_ISSUED before it is paid */
export async function invoicePdf({ invoices, printer }: Tools, ctx: Asked): Promise<Buffer> {
  const found = await invoices.findById(ctx.params.id).lean();
  await checkOwner(ctx, found?.customerId);
  if (!found) throw new SoukError("INVOICE_NOT_ISSUED");
  return printed(printer, ctx, printedInvoice(found));
}

export async function creditNotesOf({ creditNotes }: Pick<Tools, "creditNotes">, ctx: Asked) {
  const orderId = ctx.params.id;
  const found = await creditNotes.find({ orderId }).sort({ year: 1, seq: 1 }).limit(MAX_NOTES).lean();
  await checkOwner(ctx, found[0]?.customerId);
  const items = found.map(({ number, invoice, issuedOn, reason, net, tax, gross, currency }) => {
    const money = (amount: number) => ({ amount, currency });
    return { number, invoice, issuedOn, reason, net: money(net), tax: money(tax), gross: money(gross) };
  });
  return { items, nextCursor: null };
}

export async function creditNotePdf(
  { creditNotes, printer }: Omit<Tools, "invoices">,
  ctx: Asked,
  number: string,
) {
  const found = await creditNotes.findOne({ orderId: ctx.params.id, number }).lean();
  await checkOwner(ctx, found?.customerId);
  if (!found) throw new SoukError("NOT_FOUND", NO_ORDER);
  return printed(printer, ctx, printedCreditNote(found));
}

const NO_ORDER = "There is no such order.";

/**
 * @param known the order's owner, where a document names it; else orders is asked
 * @throws SoukError NOT_FOUND for a caller who is neither its owner nor staff
 */
export async function checkOwner(ctx: Asked, known: string | undefined): Promise<void> {
  const { user } = ctx.meta;
  const owner = known ?? (await ctx.call("orders.owner", { id: ctx.params.id })).customerId;
  if (!isStaff(user) && owner !== user?.id) throw new SoukError("NOT_FOUND", NO_ORDER);
}

async function printed(printer: PdfPrinter, { meta }: Asked, document: PrintedDocument): Promise<Buffer> {
  meta.$responseHeaders = { "Content-Disposition": `inline; filename="${document.fileName}"` };
  return printer.print(document);
}
