/**
 * Renders a printed document as PDF: A4, any number of pages, with text of any script that can be searched and copied.
 * The same document gives the same bytes. Characters that no font has are marked, mentioned at the end, and attached in
 * their original form.
 */
import PDFDocument from "pdfkit";
import { MARGIN, printPages } from "./print-pages.ts";
import type { PrintedDocument } from "./printed-document.ts";
import type { Logo } from "./seller-logo.ts";
import { plainText } from "./typesetting/clean-text.ts";
import { MISSING } from "./typesetting/font-library.ts";
import { createTypesetter } from "./typesetting/typesetter.ts";

const NOT_SHOWN = `${MISSING} stands for a character that this document's typefaces do not have. The attached file has the text as it was entered.`;

/** @param logo of the seller: as checked at the start */
export async function renderPdf(document: PrintedDocument, logo: Logo | null = null): Promise<Buffer> {
  const pdf = new PDFDocument({
    size: "A4",
    margins: { top: MARGIN, bottom: 0, left: MARGIN, right: MARGIN },
    bufferPages: true,
    lang: "en",
    displayTitle: true,
    pdfVersion: "1.7",
    // No default typeface: the typesetter has its own.
    font: "",
    info: {
      Title: `${document.title} ${document.number}`,
      Author: plainText(document.seller.name),
      Subject: document.facts.map(([label, value]) => `${label}: ${value}`).join(", "),
      Creator: "Souk",
      Producer: "Souk",
      CreationDate: document.issuedAt,
      ModDate: document.issuedAt,
    },
  });
  const chunks: Buffer[] = [];
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
  pdf.on("end", resolve);
  pdf.on("error", reject);
  const texts = textsOf(document);
  const typesetter = await createTypesetter(pdf, [...texts, NOT_SHOWN], document.country);
  const isLacking = texts.some((it) => typesetter.lacks(it));
  const remarks = isLacking ? [...document.remarks, NOT_SHOWN] : document.remarks;
  printPages(pdf, typesetter, { ...document, remarks }, logo);
  if (isLacking) attach(pdf, document);
  await typesetter.finish();
  pdf.end();
  await ended;
  return Buffer.concat(chunks);
}

function textsOf({ seller, buyer, facts, lines, totals, remarks }: PrintedDocument): string[] {
  return [
    seller.name,
    ...seller.address,
    seller.taxId ?? "",
    ...buyer,
    ...facts.flat(),
    ...lines.flatMap((it) => [it.name, ...it.details, it.quantity, it.unitPrice, it.total]),
    ...totals.flat(),
    ...remarks,
  ];
}

function attach(
  pdf: PDFKit.PDFDocument,
  { number, issuedAt, seller, buyer, lines, remarks }: PrintedDocument,
): void {
  const text = [
    seller.name,
    ...seller.address,
    ...(seller.taxId === null ? [] : [seller.taxId]),
    "",
    ...buyer,
    "",
    ...lines.map((it) => `${it.quantity} × ${it.name} (${it.details.join(", ")}): ${it.total}`),
    "",
    ...remarks,
    "",
  ].map(plainText);
  pdf.file(Buffer.from(text.join("\n")), {
    name: `${number}.txt`,
    type: "text/plain",
    description: "The text as it was entered",
    creationDate: issuedAt,
    modifiedDate: issuedAt,
  });
}
