/** The pages of a document: head, table, totals, remarks, and a foot on each page. */
import type { PrintedDocument, PrintedLine } from "./printed-document.ts";
import type { Logo } from "./seller-logo.ts";
import { isolated } from "./typesetting/clean-text.ts";
import type { Weight } from "./typesetting/font-library.ts";
import type { Place, Style, Typesetter } from "./typesetting/typesetter.ts";

export const MARGIN = 50;
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
const LOGO = { width: 170, height: 56 };
const INK = "#1c1f24";
const PALE = "#5f6773";
const RULE = "#d5d9df";
const ACCENT = "#8a3b12";

/** Lines of text in one cell. The contracts' longest texts need fewer. */
const MAX_NAME_LINES = 14;
const MAX_DETAIL_LINES = 8;
const MAX_BLOCK_LINES = 8;
const MAX_REMARK_LINES = 40;

type Pdf = PDFKit.PDFDocument;

const style = (weight: Weight, size: number, color = INK): Style => ({ weight, size, color });
const NAME = style(400, 10);
const DETAIL = style(400, 8, PALE);
const REMARK = style(400, 9, PALE);

export function printPages(
  pdf: Pdf,
  typesetter: Typesetter,
  document: PrintedDocument,
  logo: Logo | null,
): void {
  new Pages(pdf, typesetter, document).print(logo);
}

class Pages {
  readonly #pdf: Pdf;
  readonly #type: Typesetter;
  readonly #document: PrintedDocument;

  constructor(pdf: Pdf, type: Typesetter, document: PrintedDocument) {
    this.#pdf = pdf;
    this.#type = type;
    this.#document = document;
  }

  print(logo: Logo | null): void {
    const { lines, remarks } = this.#document;
    let y = this.#head(logo);
    let isOpen = false;
    lines.forEach((line, index) => {
      const height = this.#lineHeight(line);
      // The totals are never alone on a page.
      const kept = height + (index === lines.length - 1 ? this.#totalsHeight() : 0);
      if (y + (isOpen ? 0 : TABLE_HEAD) + kept > BOTTOM && y > MARGIN + NEXT_HEAD) {
        y = this.#nextPage();
        isOpen = false;
      }
      if (!isOpen) y = this.#tableHead(y);
      isOpen = true;
      this.#line(line, y);
      y += height;
    });
    if (y + this.#totalsHeight() > BOTTOM) y = this.#nextPage();
    y = this.#totals(y) + 12;
    for (const text of remarks) {
      const height = this.#type.heightOf(text, REMARK, WIDTH, MAX_REMARK_LINES);
      if (y + height > BOTTOM && y > MARGIN + NEXT_HEAD) y = this.#nextPage();
      y = this.#put(text, REMARK, { x: MARGIN, y, width: WIDTH, maxLines: MAX_REMARK_LINES }) + 3;
    }
    this.#footers();
  }

  #put(text: string, textStyle: Style, place: Place): number {
    return this.#type.put(text, textStyle, place);
  }

  #rule(y: number, from = MARGIN, color = RULE, width = 0.75): void {
    this.#pdf.moveTo(from, y).lineTo(RIGHT, y).lineWidth(width).strokeColor(color).stroke();
  }

  /** Seller, buyer and document data. @returns where the table may begin */
  #head(logo: Logo | null): number {
    const { title, seller, buyer, facts } = this.#document;
    const half = WIDTH / 2 - 10;
    const right = MARGIN + WIDTH / 2 + 10;
    let y = MARGIN + (logo ? this.#logo(logo) : 0);
    const block = { x: MARGIN, width: half, maxLines: MAX_BLOCK_LINES };
    y = this.#put(seller.name, style(600, logo ? 12 : 17), { ...block, y });
    for (const line of seller.address) y = this.#put(line, REMARK, { ...block, y });
    if (seller.taxId !== null) y = this.#put(`Tax ID: ${isolated(seller.taxId)}`, REMARK, { ...block, y });
    const heading = style(600, 22, ACCENT);
    const titleEnd = this.#put(title.toUpperCase(), heading, {
      x: right,
      y: MARGIN - 5,
      width: half,
      align: "right",
    });

    const top = Math.max(y, titleEnd) + 28;
    y = this.#put("BILLED TO", style(600, 8, PALE), { ...block, y: top });
    for (const [index, line] of buyer.entries())
      y = this.#put(line, style(index === 0 ? 600 : 400, 10), { ...block, y });
    let end = top;
    for (const [label, value] of facts) {
      this.#put(label, REMARK, { x: right, y: end + 0.5, width: 95 });
      const below = this.#put(value, style(600, 9.5), {
        x: right + 95,
        y: end,
        width: half - 95,
        align: "right",
      });
      end = Math.max(below, end + 14) + 2;
    }
    return Math.max(y, end) + 28;
  }

  /** @returns its height, with the space below */
  #logo({ bytes, width, height }: Logo): number {
    const scale = Math.min(LOGO.width / width, LOGO.height / height);
    this.#pdf.image(Buffer.from(bytes), MARGIN, MARGIN, { width: width * scale, height: height * scale });
    return height * scale + 10;
  }

  /** A page after the first. @returns where its content begins */
  #nextPage(): number {
    const { title, number, seller } = this.#document;
    this.#pdf.addPage();
    const half = { y: MARGIN, width: WIDTH / 2 - 5, maxLines: 1 };
    this.#put(seller.name, style(600, 9, PALE), { ...half, x: MARGIN });
    this.#put(`${title} ${number}`, REMARK, { ...half, x: RIGHT - half.width, align: "right" });
    return MARGIN + NEXT_HEAD;
  }

  #tableHead(y: number): number {
    const small = style(600, 8, PALE);
    const { name, quantity, unitPrice, total } = COLUMNS;
    this.#put("ITEM", small, { ...name, y });
    this.#put("QTY", small, { ...quantity, y, align: "right" });
    this.#put("UNIT PRICE", small, { ...unitPrice, y, align: "right" });
    this.#put("AMOUNT", small, { ...total, y, align: "right" });
    this.#rule(y + TABLE_HEAD, MARGIN, INK, 1);
    return y + TABLE_HEAD;
  }

  #lineHeight(line: PrintedLine): number {
    const { width } = COLUMNS.name;
    const name = this.#type.heightOf(line.name, NAME, width, MAX_NAME_LINES);
    return line.details.reduce(
      (sum, it) => sum + this.#type.heightOf(it, DETAIL, width, MAX_DETAIL_LINES),
      2 * PADDING + name,
    );
  }

  #line(line: PrintedLine, top: number): void {
    const { name, quantity, unitPrice, total } = COLUMNS;
    const y = top + PADDING;
    let end = this.#put(line.name, NAME, { ...name, y, maxLines: MAX_NAME_LINES });
    for (const detail of line.details)
      end = this.#put(detail, DETAIL, { ...name, y: end, maxLines: MAX_DETAIL_LINES });
    this.#put(line.quantity, NAME, { ...quantity, y, align: "right" });
    this.#put(line.unitPrice, NAME, { ...unitPrice, y, align: "right" });
    this.#put(line.total, NAME, { ...total, y, align: "right" });
    this.#rule(top + this.#lineHeight(line));
  }

  #totalsHeight(): number {
    return 30 + this.#document.totals.length * TOTAL_LINE;
  }

  #totals(top: number): number {
    const { totals } = this.#document;
    const from = COLUMNS.quantity.x;
    const valueWidth = 140;
    let y = top + 12;
    for (const [index, [label, value]] of totals.entries()) {
      const isLast = index === totals.length - 1;
      if (isLast && index > 0) {
        this.#rule(y, from, INK, 1);
        y += 6;
      }
      const size = isLast ? 12 : 10;
      const weight = isLast ? 600 : 400;
      const labelWidth = RIGHT - valueWidth - from;
      this.#put(label, style(weight, size, isLast ? INK : PALE), {
        x: from,
        y,
        width: labelWidth,
        maxLines: 1,
      });
      this.#put(value, style(weight, size), { x: RIGHT - valueWidth, y, width: valueWidth, align: "right" });
      y += TOTAL_LINE;
    }
    return y;
  }

  /** On every page, once the number of pages is known. */
  #footers(): void {
    const { title, number, seller } = this.#document;
    const small = style(400, 8, PALE);
    const { start, count } = this.#pdf.bufferedPageRange();
    const parts = [
      isolated(seller.name),
      seller.taxId === null ? null : `Tax ID ${isolated(seller.taxId)}`,
      `${title} ${number}`,
    ];
    const text = parts.filter((it) => it !== null).join("  ·  ");
    for (let page = start; page < start + count; page++) {
      this.#pdf.switchToPage(page);
      this.#rule(FOOTER);
      const y = FOOTER + 8;
      this.#put(text, small, { x: MARGIN, y, width: WIDTH - 80, maxLines: 1 });
      const counter = `Page ${page - start + 1} of ${count}`;
      this.#put(counter, small, { x: RIGHT - 80, y, width: 80, align: "right" });
    }
  }
}

const PADDING = 7;
const TABLE_HEAD = 15;
/** The head of a page after the first. */
const NEXT_HEAD = 30;
const TOTAL_LINE = 18;
