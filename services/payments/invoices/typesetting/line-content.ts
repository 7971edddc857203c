/**
 * A line of text as operators of a PDF's content.
 *
 * Readers take text from each glyph, from left to right, and turn text that goes from right to left. So what is read and
 * what is seen are apart where a glyph does not stand for one character, or is not in its place: the text is at unseen
 * glyphs in the order of the page, and the shapes follow without text. They are so for all that
 * is from right to left. There the unseen glyphs are of one font, because some readers turn the text of each font apart.
 */
import { type EmbeddedFont, hex } from "./embedded-font.ts";
import type { Cluster, PlacedGlyph } from "./shape-run.ts";

/**
 * @param clusters from left to right
 * @param fontOf the font of a cluster in the document
 */
export function lineContent(
  clusters: readonly Cluster[],
  fontOf: (cluster: Cluster) => EmbeddedFont,
  size: number,
  x: number,
  baseline: number,
): string {
  const content = new Content(size, x, baseline);
  for (const { part, isTurned } of partsOf(clusters)) {
    const [first] = part;
    const reading = first && isTurned ? fontOf(first) : undefined;
    for (const cluster of part) {
      const font = fontOf(cluster);
      content.use(reading ?? font);
      const glyph = reading ? undefined : plainGlyph(cluster);
      if (glyph) content.glyph(glyph, cluster.text, font);
      else content.group(cluster, font, reading ?? font);
    }
  }
  content.shapes();
  return content.toString();
}

interface Part {
  part: Cluster[];
  /** Whether it has text from right to left. */
  isTurned: boolean;
}

/** Parts that are embedded in the line, with all that is embedded in them, and those between. */
function partsOf(clusters: readonly Cluster[]): Part[] {
  const parts: Part[] = [];
  let wasEmbedded: boolean | undefined;
  for (const cluster of clusters) {
    const isEmbedded = cluster.level > 0;
    if (isEmbedded !== wasEmbedded) parts.push({ part: [], isTurned: false });
    wasEmbedded = isEmbedded;
    const last = parts.at(-1);
    last?.part.push(cluster);
    if (last && isBackwards(cluster.level)) last.isTurned = true;
  }
  return parts;
}

/** The glyph of a cluster that needs no special care. */
function plainGlyph({ glyphs, text, level }: Cluster): PlacedGlyph | undefined {
  const [glyph, ...others] = glyphs;
  if (!glyph || others.length > 0 || glyph.dx !== 0 || glyph.dy !== 0) return undefined;
  return charactersOf(text, level).length > 1 ? undefined : glyph;
}

/** What is read as one character, from left to right. Several letters in one shape stay together, as `ffi`. */
function charactersOf(text: string, level: number): string[] {
  if (isBackwards(level)) return (text.match(CHARACTERS) ?? []).reverse();
  return HAS_MARK.test(text) ? (text.match(CHARACTERS) ?? []) : [text];
}

const isBackwards = (level: number): boolean => level % 2 === 1;
const MARK = /^\p{M}/u;
const HAS_MARK = /\p{M}/u;
/** Joiners stay with what they follow. Readers would drop them. */
const CHARACTERS = /\P{Cf}\p{Cf}*/gu;

/** A glyph without text, and where it is. */
interface Shape {
  font: EmbeddedFont;
  code: number;
  x: number;
  y: number;
}

class Content {
  readonly #size: number;
  readonly #baseline: number;
  readonly #out: string[] = ["BT"];
  readonly #shapes: Shape[] = [];
  #shown: string[] = [];
  #font: EmbeddedFont | undefined;
  #x: number;

  constructor(size: number, x: number, baseline: number) {
    this.#size = size;
    this.#x = x;
    this.#baseline = baseline;
    this.#goTo(x, baseline);
  }

  use(font: EmbeddedFont): void {
    if (font === this.#font) return;
    this.#font = font;
    this.#add(`/${font.name} ${this.#size} Tf`);
  }

  glyph(glyph: PlacedGlyph, text: string, font: EmbeddedFont): void {
    this.#show(font.code(glyph, text), glyph.advance - font.widthOf(glyph.id));
    this.#x += this.#length(glyph.advance);
  }

  /** @param reading the font of the unseen text */
  group({ text, width, level, glyphs }: Cluster, font: EmbeddedFont, reading: EmbeddedFont): void {
    const parts = charactersOf(text, level);
    const letters = parts.filter((it) => !MARK.test(it)).length;
    for (const part of parts) {
      const own = letters > 0 && MARK.test(part) ? 0 : width / Math.max(letters, 1);
      this.#show(reading.unseen(part, Math.round(own)), own - Math.round(own));
    }
    let x = this.#x;
    for (const glyph of glyphs) {
      const code = font.shape(glyph);
      const y = this.#baseline - this.#length(glyph.dy);
      this.#shapes.push({ font, code, x: x + this.#length(glyph.dx), y });
      x += this.#length(glyph.advance);
    }
    this.#x += this.#length(width);
  }

  /** Draws what has no text yet. Readers that look for the text of glyphs are told that it is none. */
  shapes(): void {
    if (this.#shapes.length === 0) return;
    this.#add("/Span <</ActualText <feff>>> BDC");
    for (const { font, code, x, y } of this.#shapes) {
      this.use(font);
      this.#goTo(x, y);
      this.#show(code, 0);
    }
    this.#add("EMC");
  }

  toString(): string {
    this.#add("ET");
    return this.#out.join("\n");
  }

  #add(operator: string): void {
    if (this.#shown.length > 0) this.#out.push(`[${this.#shown.join(" ")}] TJ`);
    this.#shown = [];
    this.#out.push(operator);
  }

  /** @param space to the right of it, in thousandths of the size */
  #show(code: number, space: number): void {
    this.#shown.push(`<${hex(code)}>`);
    if (Math.abs(space) >= 0.5) this.#shown.push(number(-space));
  }

  #length(thousandths: number): number {
    return (thousandths * this.#size) / 1000;
  }

  #goTo(x: number, y: number): void {
    this.#add(`1 0 0 -1 ${number(x)} ${number(y)} Tm`);
  }
}

const number = (value: number): string => String(Number(value.toFixed(3)));
