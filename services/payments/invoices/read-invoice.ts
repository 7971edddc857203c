/** Invoices and credit notes for the customer and for staff. */
import type { Model } from "mongoose";
import { may } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { ActionContext } from "../../../broker/moleculer/handlers.ts";
import type { CreditNote, Invoice } from "./invoice.model.ts";
import type { PdfPrinter } from "./pdf-printer.ts";
import { type PrintedDocument, printedCreditNote, printedInvoice, type TitleOf } from "./printed-document.ts";

interface Tools {
  invoices: Model<Invoice>;
  creditNotes: Model<CreditNote>;
  printer: PdfPrinter;
  titleOf: TitleOf;
}

type Asked = Pick<ActionContext<{ id: string }>, "params" | "meta" | "call">;

/** The largest number of refunds of a payment. Further ones are not shown. */
const MAX_NOTES = 500;

/** @throws {SoukError} NOT_FOUND for no order and for another customer's, INVOICE_NOT_ISSUED before it is paid */
export async function invoicePdf(tools: Tools, ctx: Asked): Promise<Buffer> {
  const it = await invoiceOf(tools, ctx);
  return printed(tools.printer, ctx, printedInvoice(it, tools.titleOf));
}

/** The same invoice for programs. @throws {SoukError} as {@link invoicePdf} */
export async function invoiceXml(tools: Tools, ctx: Asked): Promise<Buffer> {
  const document = await invoiceOf(tools, ctx);
  nameFile(ctx, `invoice-${document.number}.xml`);
  const method = document.payment ? tools.titleOf(document.payment.provider) : "";
  return tools.printer.print({ kind: "invoice.xml", document, method });
}

async function invoiceOf({ invoices }: Pick<Tools, "invoices">, ctx: Asked): Promise<Invoice> {
  const found = await invoices.findById(ctx.params.id).lean();
  await checkOwner(ctx, found?.customerId);
  if (!found) throw new SoukError("INVOICE_NOT_ISSUED");
  return found;
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

type NoteTools = Omit<Tools, "invoices">;

/** @throws {SoukError} NOT_FOUND for no such credit note and for another customer's */
export async function creditNotePdf(tools: NoteTools, ctx: Asked, number: string): Promise<Buffer> {
  const it = await creditNoteOf(tools, ctx, number);
  return printed(tools.printer, ctx, printedCreditNote(it, tools.titleOf));
}

/** The same credit note for programs. @throws {SoukError} as {@link creditNotePdf} */
export async function creditNoteXml(tools: NoteTools, ctx: Asked, number: string): Promise<Buffer> {
  const document = await creditNoteOf(tools, ctx, number);
  nameFile(ctx, `credit-note-${document.number}.xml`);
  const method = tools.titleOf(document.payment.provider);
  return tools.printer.print({ kind: "credit-note.xml", document, method });
}

async function creditNoteOf(
  { creditNotes }: Pick<Tools, "creditNotes">,
  ctx: Asked,
  number: string,
): Promise<CreditNote> {
  const found = await creditNotes.findOne({ orderId: ctx.params.id, number }).lean();
  await checkOwner(ctx, found?.customerId);
  if (!found) throw new SoukError("NOT_FOUND", NO_ORDER);
  return found;
}

const NO_ORDER = "There is no such order.";

/**
 * @param known the order's owner, where a document names it; else orders is asked
 * @throws SoukError NOT_FOUND for a caller who is neither its owner nor staff
 */
export async function checkOwner(ctx: Asked, known: string | undefined): Promise<void> {
  const { user } = ctx.meta;
  const owner = known ?? (await ctx.call("orders.owner", { id: ctx.params.id })).customerId;
  if (!may(user, "payments:read") && owner !== user?.id) throw new SoukError("NOT_FOUND", NO_ORDER);
}

function printed(printer: PdfPrinter, ctx: Asked, document: PrintedDocument): Promise<Buffer> {
  nameFile(ctx, document.fileName);
  return printer.print({ kind: "pdf", document });
}

function nameFile({ meta }: Asked, name: string): void {
  meta.$responseHeaders = { "Content-Disposition": `inline; filename="${name}"` };
}
