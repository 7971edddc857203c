/**
 * Sets text of any script on pages of a PDF: in lines of a width, each part in a font that has it, right to left where
 * it is so, and with what was written as the text to copy.
 */
import { breakLines, breaksIn, type Line } from "./break-lines.ts";
import { cleanText } from "./clean-text.ts";
import { EmbeddedFont } from "./embedded-font.ts";
import { type Han, hanOf } from "./font-families.ts";
import { type FontLibrary, MISSING, openLibrary, type Weight } from "./font-library.ts";
import { itemise, neededBy } from "./itemise.ts";
import { lineContent } from "./line-content.ts";
import { type Cluster, shapeRun } from "./shape-run.ts";

type Pdf = PDFKit.PDFDocument;

export interface Style {
  size: number;
  weight: Weight;
  color: string;
}

export interface Place {
  x: number;
  /** Upper edge. */
  y: number;
  width: number;
  align?: "left" | "right";
  /** Further lines are left out, and the last one ends with `…`. */
  maxLines?: number;
}

export interface Typesetter {
  /** @returns the lower edge */
  put(text: string, style: Style, place: Place): number;
  heightOf(text: string, style: Style, width: number, maxLines?: number): number;
  /** Whether a text has characters that no font has. */
  lacks(text: string): boolean;
  /** Writes the fonts. Nothing can be set afterwards. */
  finish(): Promise<void>;
}

interface Paragraph {
  clusters: readonly Cluster[];
  breaks: ReadonlySet<number>;
  level: number;
}

/** Of the font size. The line is that of Noto Sans, and higher where a script goes lower. */
const ASCENT = 1.069;
const DESCENT = 0.293;
const MAX_DESCENT = 0.55;

/** Characters of the document's own words. */
const OWN = `${String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index))}·…`;

/**
 * @param texts all texts that will be set
 * @param country decides the shapes of Han characters where the texts do not
 */
export async function createTypesetter(
  pdf: Pdf,
  texts: readonly string[],
  country: string,
): Promise<Typesetter> {
  const cleaned = new Map(texts.map((it) => [it, cleanText(it)]));
  const clean = (text: string) => cleaned.get(text) ?? cleanText(text);
  const han = hanOf([...cleaned.values()].join("\n"), country);
  const library = await openLibrary(needed([OWN, ...cleaned.values()]), han);
  const paragraphs = new Map<string, Paragraph>();
  const fonts = new Map<string, EmbeddedFont>();

  function paragraphOf(text: string, weight: Weight): Paragraph {
    const key = `${weight} ${text}`;
    const found = paragraphs.get(key) ?? layOut(clean(text), weight, library, han);
    paragraphs.set(key, found);
    return found;
  }

  function fontOf(cluster: Cluster): EmbeddedFont {
    const key = `${cluster.weight} ${cluster.font.path}`;
    let found = fonts.get(key);
    if (!found) {
      found = new EmbeddedFont(pdf, fonts.size, cluster);
      fonts.set(key, found);
    }
    pdf.page.fonts[found.name] ??= found.dictionary;
    return found;
  }

  const linesOf = ({ clusters, breaks }: Paragraph, { size }: Style, width: number) =>
    breakLines(clusters, breaks, (width * 1000) / size);

  return {
    put(text, style, { x, y, width, align = "left", maxLines = Number.POSITIVE_INFINITY }) {
      const paragraph = paragraphOf(text, style.weight);
      const all = linesOf(paragraph, style, width);
      const ellipsis = () => paragraphOf("…", style.weight).clusters;
      let top = y;
      for (const [index, line] of all.slice(0, maxLines).entries()) {
        const isCut = index === maxLines - 1 && all.length > maxLines;
        const clusters = partOf(paragraph, line);
        const shown = isCut ? shortened(clusters, ellipsis(), (width * 1000) / style.size) : clusters;
        const used = (shown.reduce((sum, it) => sum + it.width, 0) * style.size) / 1000;
        const left = align === "right" ? x + width - used : x;
        const { level } = paragraph;
        const baseline = top + ASCENT * style.size;
        pdf.fillColor(style.color);
        pdf.addContent(lineContent(visual(shown, level), fontOf, style.size, left, baseline));
        top += lineHeight(shown, style);
      }
      return top;
    },
    heightOf(text, style, width, maxLines) {
      const paragraph = paragraphOf(text, style.weight);
      const lines = linesOf(paragraph, style, width).slice(0, maxLines);
      return lines.reduce((sum, line) => sum + lineHeight(partOf(paragraph, line), style), 0);
    },
    lacks: (text) =>
      !text.includes(MISSING) && paragraphOf(text, 400).clusters.some((it) => it.text.includes(MISSING)),
    async finish() {
      for (const font of fonts.values()) await font.embed();
    },
  };
}

function* needed(texts: readonly string[]): Generator<string> {
  for (const text of texts) yield* neededBy(text);
}

function layOut(text: string, weight: Weight, library: FontLibrary, han: Han): Paragraph {
  const { runs, level } = itemise(text, library, han);
  const clusters = runs.flatMap((run) => shapeRun(run, weight));
  return { clusters, breaks: breaksIn(runs.map((it) => it.text).join("")), level };
}

const partOf = ({ clusters }: Paragraph, [start, end]: Line): readonly Cluster[] =>
  clusters.slice(start, end);

function shortened(clusters: readonly Cluster[], ellipsis: readonly Cluster[], width: number): Cluster[] {
  const kept = [...clusters];
  const end = ellipsis.reduce((sum, it) => sum + it.width, 0);
  let used = kept.reduce((sum, it) => sum + it.width, end);
  while (used > width && kept.length > 0) used -= kept.pop()?.width ?? 0;
  return [...kept, ...ellipsis];
}

function lineHeight(clusters: readonly Cluster[], { size, weight }: Style): number {
  const descents = new Set(clusters.map((it) => it.font));
  let descent = DESCENT;
  for (const font of descents)
    descent = Math.max(descent, -font.fonts[weight].hExtents().descender / font.unitsPerEm);
  return (ASCENT + Math.min(descent, MAX_DESCENT)) * size;
}

/** From left to right: rule L2 of the bidirectional algorithm. */
function visual(clusters: readonly Cluster[], base: number): Cluster[] {
  const out = [...clusters];
  const levels = out.map((it) => it.level);
  // Spaces at the end of a line are gone already, so rule L1 has nothing to do.
  for (let level = Math.max(base, ...new Set(levels)); level > 0; level--)
    for (let start = 0; start < out.length; start++) {
      if ((levels[start] ?? 0) < level) continue;
      let end = start;
      while (end < out.length && (levels[end] ?? 0) >= level) end++;
      reverse(out, start, end);
      reverse(levels, start, end);
      start = end;
    }
  return out;
}

function reverse(list: unknown[], start: number, end: number): void {
  list.splice(start, end - start, ...list.slice(start, end).reverse());
}
