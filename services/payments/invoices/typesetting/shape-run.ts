/** Shapes runs with HarfBuzz: which glyphs stand for a text, and where. */
import { Buffer, ClusterLevel, Direction, shape } from "harfbuzzjs";
import type { OpenFont, Weight } from "./font-library.ts";
import type { Run } from "./itemise.ts";

/** A glyph, with lengths in thousandths of the font size. */
export interface PlacedGlyph {
  id: number;
  advance: number;
  dx: number;
  dy: number;
}

/** Glyphs that stand for a text together. */
export interface Cluster {
  text: string;
  font: OpenFont;
  weight: Weight;
  level: number;
  width: number;
  /** From left to right, also where the text goes from right to left. */
  glyphs: readonly PlacedGlyph[];
}

const buffer = new Buffer();

/** @returns clusters in the order of the text */
export function shapeRun({ text, font, level }: Run, weight: Weight): Cluster[] {
  const backwards = level % 2 === 1;
  buffer.reset();
  buffer.addText(text);
  buffer.guessSegmentProperties();
  buffer.setDirection(backwards ? Direction.RTL : Direction.LTR);
  buffer.setClusterLevel(ClusterLevel.MONOTONE_GRAPHEMES);
  shape(font.fonts[weight], buffer);
  const infos = buffer.getGlyphInfos();
  const positions = buffer.getGlyphPositions();
  const scale = 1000 / font.unitsPerEm;
  const starts: number[] = [];
  const glyphs: PlacedGlyph[][] = [];
  infos.forEach(({ codepoint, cluster }, index) => {
    const { xAdvance = 0, xOffset = 0, yOffset = 0 } = positions[index] ?? {};
    if (starts.at(-1) !== cluster) {
      starts.push(cluster);
      glyphs.push([]);
    }
    glyphs.at(-1)?.push({
      id: codepoint,
      advance: xAdvance * scale,
      dx: xOffset * scale,
      dy: yOffset * scale,
    });
  });
  if (backwards) {
    starts.reverse();
    glyphs.reverse();
  }
  return starts.map((start, index) => {
    const placed = glyphs[index] ?? [];
    return {
      text: text.slice(start, starts[index + 1] ?? text.length).replaceAll("\u00a0", " "),
      font,
      weight,
      level,
      width: placed.reduce((sum, it) => sum + it.advance, 0),
      glyphs: placed,
    };
  });
}
