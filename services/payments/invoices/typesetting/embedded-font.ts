/**
 * A font as an object of a PDF. Each pair of a glyph and the text it stands for has a code of its own, so that copied
 * text is what was written, whatever glyph shows it.
 */

import type { OpenFont, Weight } from "./font-library.ts";
import type { Cluster, PlacedGlyph } from "./shape-run.ts";
import { subsetFont } from "./subset-font.ts";

type Pdf = PDFKit.PDFDocument;

/** Readers leave it out of copied text. */
const NOTHING = "\u2060";
/** The subsetter leaves no shape in glyph 0, which stands for missing characters. */
const EMPTY = 0;
const MAX_CODES = 0xfffe;

export class EmbeddedFont {
  readonly name: string;
  readonly dictionary: PDFKit.PDFKitReference;
  readonly #tag: string;
  readonly #pdf: Pdf;
  readonly #font: OpenFont;
  readonly #weight: Weight;
  readonly #codes = new Map<string, number>();
  /** By code, from 1. */
  readonly #used: { glyph: number; text: string; width: number }[] = [];

  /** @param index of the font in its document, from 0 */
  constructor(pdf: Pdf, index: number, { font, weight }: Pick<Cluster, "font" | "weight">) {
    this.name = `T${index}`;
    this.#tag = tagOf(index);
    this.dictionary = pdf.ref({});
    this.#pdf = pdf;
    this.#font = font;
    this.#weight = weight;
  }

  /** The code of a glyph that stands for a text. */
  code({ id: glyph }: PlacedGlyph, text: string): number {
    return this.#add(glyph, text, this.widthOf(glyph));
  }

  /** The code of a glyph that has no text and no width. */
  shape({ id: glyph }: PlacedGlyph): number {
    return this.#add(glyph, NOTHING, 0);
  }

  /** The code of a text that is not seen. */
  unseen(text: string, width: number): number {
    return this.#add(EMPTY, text, width);
  }

  /** Width of a glyph without kerning, in thousandths. */
  widthOf(glyph: number): number {
    const { fonts, unitsPerEm } = this.#font;
    return Math.round((fonts[this.#weight].glyphHAdvance(glyph) * 1000) / unitsPerEm);
  }

  #add(glyph: number, text: string, width: number): number {
    const key = `${glyph} ${width} ${text}`;
    const found = this.#codes.get(key);
    if (found !== undefined) return found;
    if (this.#used.length >= MAX_CODES) return 0;
    const code = this.#used.push({ glyph, text, width });
    this.#codes.set(key, code);
    return code;
  }

  /** The code of something of no width that is not seen, for the edges of a group of glyphs. */
  edge(): number {
    return this.#add(0, NOTHING, 0);
  }

  /** Writes the font, with what was used of it. */
  async embed(): Promise<void> {
    const pdf = this.#pdf;
    const file = await subsetFont(
      this.#font,
      this.#weight,
      this.#used.map((it) => it.glyph),
    );
    const fontFile = pdf.ref({ Length1: file.length });
    fontFile.end(file);
    const { ascender, descender } = this.#font.fonts[this.#weight].hExtents();
    const scale = 1000 / this.#font.unitsPerEm;
    const fontName = `${this.#tag}+NotoSans`;
    const descriptor = pdf.ref({
      Type: "FontDescriptor",
      FontName: fontName,
      // Symbolic: it has no encoding of its own.
      Flags: 4,
      FontBBox: [-1000, descender * scale, 3000, ascender * scale],
      ItalicAngle: 0,
      Ascent: ascender * scale,
      Descent: descender * scale,
      CapHeight: 714,
      StemV: this.#weight === 400 ? 80 : 120,
      FontFile2: fontFile,
    });
    descriptor.end(null);
    const map = Buffer.alloc(2 * (this.#used.length + 1));
    for (const [index, { glyph }] of this.#used.entries()) map.writeUInt16BE(glyph, 2 * (index + 1));
    const glyphOfCode = pdf.ref({});
    glyphOfCode.end(map);
    const descendant = pdf.ref({
      Type: "Font",
      Subtype: "CIDFontType2",
      BaseFont: fontName,
      CIDSystemInfo: { Registry: literal("Adobe"), Ordering: literal("Identity"), Supplement: 0 },
      FontDescriptor: descriptor,
      W: [1, this.#used.map((it) => it.width)],
      CIDToGIDMap: glyphOfCode,
    });
    descendant.end(null);
    const toUnicode = pdf.ref({});
    toUnicode.end(Buffer.from(cmapOf(this.#used.map((it) => it.text))));
    Object.assign(this.dictionary.data, {
      Type: "Font",
      Subtype: "Type0",
      BaseFont: fontName,
      Encoding: "Identity-H",
      DescendantFonts: [descendant],
      ToUnicode: toUnicode,
    });
    this.dictionary.end(null);
  }
}

/** PDFKit writes string objects as strings, and strings as names. */
const literal = (text: string): object => new String(text);
/** Six letters that mark a subset. */
const tagOf = (index: number): string =>
  `SOUK${String.fromCharCode(65 + (Math.floor(index / 26) % 26), 65 + (index % 26))}`;

/** Entries of one section, at most. */
const SECTION = 100;

/** Maps codes from 1 to texts. */
function cmapOf(texts: readonly string[]): string {
  const entries = texts.map((text, index) => `<${hex(index + 1)}> <${utf16(text)}>`);
  const sections: string[] = [];
  for (let at = 0; at < entries.length; at += SECTION) {
    const part = entries.slice(at, at + SECTION);
    sections.push(`${part.length} beginbfchar`, ...part, "endbfchar");
  }
  return [
    "/CIDInit /ProcSet findresource begin",
    "12 dict begin",
    "begincmap",
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
    "/CMapName /Adobe-Identity-UCS def",
    "/CMapType 2 def",
    "1 begincodespacerange",
    "<0000> <ffff>",
    "endcodespacerange",
    ...sections,
    "endcmap",
    "CMapName currentdict /CMap defineresource pop",
    "end",
    "end",
  ].join("\n");
}

export const hex = (code: number): string => code.toString(16).padStart(4, "0");
export const utf16 = (text: string): string => Buffer.from(text, "utf16le").swap16().toString("hex");
