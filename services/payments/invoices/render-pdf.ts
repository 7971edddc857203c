/**
 * Renders a printed document as PDF: A4, any number of pages, with text that can be searched and copied. The same
 * document gives the same bytes. Text that the typeface can't show is marked, mentioned at the end, and attached in
 * its original form.
 */
import PDFDocument from "pdfkit";
import type { PrintedDocument, PrintedLine } from "./printed-document.ts";
import { MISSING, type Typeface, typeface } from "./typeface.ts";

const MARGIN = 50;
const WIDTH = 595.28 - 2 * MARGIN;
const RIGHT = MARGIN + WIDTH;
/** Content ends here. The footer is below. */
const BOTTOM = 841.89 - 85;
const FOOTER = 841.89 - 58;
const COLUMNS = {
  name: { x: MARGIN, width: 235 },
  quantity: { x: MARGIN + 245, width: 40 },
  unitPrice: { x: MARGIN + 290, width: 100 },
  total: { x: MARGIN + 395, width: WIDTH - 395 },
};
const INK = "#1c1f24";
const PALE = "#5f6773";
const RULE = "#d5d9df";
const ACCENT = "#8a3b12";

export function renderPdf(document: PrintedDocument): Promise<Buffer> {
  const face = typeface();
  const { shown, hidden } = show(document, face);
  return new Promise((resolve, reject) => {
    const pdf = new PDFDocument({
      size: "A4",
      margins: { top: MARGIN, bottom: 0, left: MARGIN, right: MARGIN },
      bufferPages: true,
      lang: "en",
      displayTitle: true,
      pdfVersion: "1.7",
      // No default typeface: the document has those that are registered below.
      font: "",
      info: {
        Title: `${document.title} ${document.number}`,
        Author: shown.seller.name,
        Subject: shown.facts.map(([label, value]) => `${label}: ${value}`).join(", "),
        Creator: "Souk",
        Producer: "Souk",
        CreationDate: document.issuedAt,
        ModDate: document.issuedAt,
      },
    });
    const chunks: Buffer[] = [];
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
    pdf.on("error", reject);
    pdf.registerFont("regular", face.regular);
    pdf.registerFont("bold", face.bold);
    print(pdf, hidden ? { ...shown, remarks: [...shown.remarks, NOT_SHOWN] } : shown);
    if (hidden) attach(pdf, document);
    pdf.end();
  });
}

type Pdf = PDFKit.PDFDocument;

const NOT_SHOWN = `${MISSING} stands for a character that this document's typeface does not have. The attached file has the text as it was entered.`;

/** The document with unprintable text replaced, and whether anything was replaced. */
function show(document: PrintedDocument, face: Typeface): { shown: PrintedDocument; hidden: boolean } {
  let hidden = false;
  const text = (it: string): string => {
    const out = face.shown(it);
    hidden ||= out.includes(MISSING);
    return out;
  };
  const pairs = (all: PrintedDocument["facts"]) =>
    all.map(([label, value]) => [text(label), text(value)] as const);
  const { seller } = document;
  const shown: PrintedDocument = {
    ...document,
    seller: {
      name: text(seller.name),
      address: seller.address.map(text),
      taxId: seller.taxId === null ? null : text(seller.taxId),
    },
    buyer: document.buyer.map(text),
    facts: pairs(document.facts),
    lines: document.lines.map((it) => ({ ...it, name: text(it.name), detail: text(it.detail) })),
    totals: pairs(document.totals),
    remarks: document.remarks.map(text),
  };
  return { shown, hidden };
}

function attach(pdf: Pdf, { number, issuedAt, seller, buyer, lines, remarks }: PrintedDocument): void {
  const text = [
    seller.name,
    ...seller.address,
    ...(seller.taxId === null ? [] : [seller.taxId]),
    "",
    ...buyer,
    "",
    ...lines.map((it) => `${it.quantity} × ${it.name} (${it.detail}): ${it.total}`),
    "",
    ...remarks,
    "",
  ].join("\n");
  pdf.file(Buffer.from(text), {
    name: `${number}.txt`,
    type: "text/plain",
    description: "The text as it was entered",
    creationDate: issuedAt,
    modifiedDate: issuedAt,
  });
}

function print(pdf: Pdf, it: PrintedDocument): void {
  let y = head(pdf, it);
  y = tableHead(pdf, y);
  for (const line of it.lines) {
    const height = lineHeight(pdf, line);
    if (y + height > BOTTOM) y = tableHead(pdf, nextPage(pdf, it));
    tableLine(pdf, line, y);
    y += height;
  }
  const needed = totalsHeight(it) + remarksHeight(pdf, it);
  if (y + needed > BOTTOM) y = nextPage(pdf, it);
  remarks(pdf, it, totals(pdf, it, y));
  footers(pdf, it);
}

/**
 * Each glyph must mean one text, or a search fails. Composition would draw `ị` with the `i` of other words, and
 * ligatures would join letters.
 */
const shaping = (): object => ({ features: { ccmp: false, liga: false, clig: false } });
const put = (pdf: Pdf, text: string, x: number, y: number, options: PDFKit.Mixins.TextOptions = {}) =>
  pdf.text(text, x, y, { ...options, ...shaping() });
/** Places text below the previous text. */
const putNext = (pdf: Pdf, text: string, width: number): Pdf => pdf.text(text, { width, ...shaping() });
const heightOf = (pdf: Pdf, text: string, width: number): number =>
  pdf.heightOfString(text, { width, ...shaping() });
const style = (pdf: Pdf, font: "regular" | "bold", size: number, color = INK): Pdf =>
  pdf.font(font).fontSize(size).fillColor(color);
const rule = (pdf: Pdf, y: number, from = MARGIN, color = RULE, width = 0.75): void =>
  void pdf.moveTo(from, y).lineTo(RIGHT, y).lineWidth(width).strokeColor(color).stroke();

/** Seller, buyer and document data. @returns where the table may begin */
function head(pdf: Pdf, { title, seller, buyer, facts }: PrintedDocument): number {
  const half = WIDTH / 2 - 10;
  const right = MARGIN + WIDTH / 2 + 10;
  put(style(pdf, "bold", 17), seller.name, MARGIN, MARGIN, { width: half });
  style(pdf, "regular", 9, PALE);
  for (const line of seller.address) putNext(pdf, line, half);
  if (seller.taxId !== null) putNext(pdf, `Tax ID: ${seller.taxId}`, half);
  const sellerEnd = pdf.y;
  put(style(pdf, "bold", 22, ACCENT), title.toUpperCase(), right, MARGIN - 5, {
    width: half,
    align: "right",
  });

  const top = Math.max(sellerEnd, pdf.y) + 28;
  put(style(pdf, "bold", 8, PALE), "BILLED TO", MARGIN, top, { width: half });
  style(pdf, "regular", 10);
  buyer.forEach((line, index) => {
    putNext(style(pdf, index === 0 ? "bold" : "regular", 10), line, half);
  });
  const buyerEnd = pdf.y;
  let y = top;
  for (const [label, value] of facts) {
    put(style(pdf, "regular", 9, PALE), label, right, y + 0.5, { width: 95 });
    put(style(pdf, "bold", 9.5), value, right + 95, y, { width: half - 95, align: "right" });
    y = Math.max(pdf.y, y + 14) + 2;
  }
  return Math.max(buyerEnd, y) + 28;
}

/** A page after the first. @returns where its content begins */
function nextPage(pdf: Pdf, { title, number, seller }: PrintedDocument): number {
  pdf.addPage();
  put(style(pdf, "bold", 9, PALE), seller.name, MARGIN, MARGIN, {
    width: WIDTH / 2,
    height: 12,
    lineBreak: true,
    ellipsis: true,
  });
  put(style(pdf, "regular", 9, PALE), `${title} ${number}`, MARGIN + WIDTH / 2, MARGIN, {
    width: WIDTH / 2,
    align: "right",
  });
  return MARGIN + 30;
}

function tableHead(pdf: Pdf, y: number): number {
  style(pdf, "bold", 8, PALE);
  const { name, quantity, unitPrice, total } = COLUMNS;
  put(pdf, "ITEM", name.x, y, { width: name.width });
  put(pdf, "QTY", quantity.x, y, { width: quantity.width, align: "right" });
  put(pdf, "UNIT PRICE", unitPrice.x, y, { width: unitPrice.width, align: "right" });
  put(pdf, "AMOUNT", total.x, y, { width: total.width, align: "right" });
  rule(pdf, y + 15, MARGIN, INK, 1);
  return y + 15;
}

const PADDING = 7;

function lineHeight(pdf: Pdf, { name, detail }: PrintedLine): number {
  const { width } = COLUMNS.name;
  const text = heightOf(style(pdf, "regular", 10), name, width);
  return 2 * PADDING + text + heightOf(style(pdf, "regular", 8), detail, width);
}

function tableLine(pdf: Pdf, line: PrintedLine, top: number): void {
  const { name, quantity, unitPrice, total } = COLUMNS;
  const y = top + PADDING;
  put(style(pdf, "regular", 10), line.name, name.x, y, { width: name.width });
  putNext(style(pdf, "regular", 8, PALE), line.detail, name.width);
  const end = pdf.y + PADDING;
  style(pdf, "regular", 10);
  put(pdf, line.quantity, quantity.x, y, { width: quantity.width, align: "right" });
  put(pdf, line.unitPrice, unitPrice.x, y, { width: unitPrice.width, align: "right" });
  put(pdf, line.total, total.x, y, { width: total.width, align: "right" });
  rule(pdf, end);
}

const TOTAL_LINE = 18;
const totalsHeight = ({ totals }: PrintedDocument): number => 30 + totals.length * TOTAL_LINE;

function totals(pdf: Pdf, { totals: all }: PrintedDocument, top: number): number {
  const from = COLUMNS.quantity.x;
  const valueWidth = 140;
  let y = top + 12;
  all.forEach(([label, value], index) => {
    const last = index === all.length - 1;
    if (last) {
      rule(pdf, y, from, INK, 1);
      y += 6;
    }
    const size = last ? 12 : 10;
    put(style(pdf, last ? "bold" : "regular", size, last ? INK : PALE), label, from, y, {
      width: RIGHT - valueWidth - from,
    });
    put(style(pdf, last ? "bold" : "regular", size), value, RIGHT - valueWidth, y, {
      width: valueWidth,
      align: "right",
    });
    y += TOTAL_LINE;
  });
  return y + 12;
}

function remarksHeight(pdf: Pdf, { remarks: all }: PrintedDocument): number {
  style(pdf, "regular", 9);
  return all.reduce((sum, it) => sum + heightOf(pdf, it, WIDTH) + 3, 24);
}

function remarks(pdf: Pdf, { remarks: all }: PrintedDocument, top: number): void {
  style(pdf, "regular", 9, PALE);
  let y = top + 12;
  for (const text of all) {
    put(pdf, text, MARGIN, y, { width: WIDTH });
    y = pdf.y + 3;
  }
}

/** On every page, once the number of pages is known. */
function footers(pdf: Pdf, { title, number, seller }: PrintedDocument): void {
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page);
    rule(pdf, FOOTER);
    style(pdf, "regular", 8, PALE);
    const left = [seller.name, seller.taxId === null ? null : `Tax ID ${seller.taxId}`, `${title} ${number}`];
    put(pdf, left.filter((it) => it !== null).join("  ·  "), MARGIN, FOOTER + 8, {
      width: WIDTH - 80,
      height: 11,
      ellipsis: true,
    });
    put(pdf, `Page ${page - start + 1} of ${count}`, RIGHT - 80, FOOTER + 8, { width: 80, align: "right" });
  }
}
