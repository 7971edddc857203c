/** Splits a paragraph into runs: parts of one font and one direction. */
import bidiModule from "bidi-js";
import { z } from "zod";
import type { Han } from "./font-families.ts";
import { type FontLibrary, isSelector, MISSING, type OpenFont } from "./font-library.ts";

export interface Run {
  text: string;
  font: OpenFont;
  /** Of the bidirectional algorithm: odd is right to left. */
  level: number;
}

export interface Itemised {
  runs: readonly Run[];
  /** Level of the paragraph. */
  level: number;
}

/** Code points of one cluster that are laid out together. */
const MAX_CLUSTER = 32;

/** Its types name a default export. Node.js finds the function itself. */
const bidi = z.custom<typeof bidiModule.default>((it) => typeof it === "function").parse(bidiModule)();
let graphemes: Intl.Segmenter | undefined;

/** Clusters of characters as people see them: a letter with its marks, a syllable, an emoji. */
export function* clustersOf(text: string): Generator<{ segment: string; index: number }> {
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment, index } of graphemes.segment(text)) {
    if (segment.length <= MAX_CLUSTER) yield { segment, index };
    else yield { segment: Array.from(segment).slice(0, MAX_CLUSTER).join(""), index };
  }
}

/** No script of its own: it is shown in the font of its neighbours. */
const NEUTRAL = /^[\p{sc=Zyyy}\p{sc=Zinh}]+$/u;
const UNSEEN = /^[\p{Cc}\p{Cf}]+$/u;

/** @param text cleaned */
export function itemise(text: string, library: FontLibrary, han: Han): Itemised {
  const { levels, paragraphs } = bidi.getEmbeddingLevels(text);
  const runs: Run[] = [];
  const add = (part: string, font: OpenFont | undefined, level: number) => {
    if (!font) return;
    const last = runs.at(-1);
    if (last && last.font === font && last.level === level) last.text += part;
    else runs.push({ text: part, font, level });
  };
  for (const { segment, index } of clustersOf(text)) {
    if (UNSEEN.test(segment)) continue;
    const level = levels[index] ?? 0;
    const before = runs.at(-1)?.font;
    // Letters and spaces of the emoji font are as wide as its pictures.
    if (before && !before.hasPictures && NEUTRAL.test(segment) && hasAll(before, segment)) {
      add(segment, before, level);
      continue;
    }
    const font = library.fontFor(segment, han);
    if (font) add(segment, font, level);
    else
      for (const character of segment) {
        const own = library.fontFor(character, han);
        if (own) add(character, own, level);
        else if (!isSelector(character.codePointAt(0) ?? 0))
          add(MISSING, library.fontFor(MISSING, han), level);
      }
  }
  return { runs, level: paragraphs[0]?.level ?? 0 };
}

const hasAll = (font: OpenFont, text: string): boolean =>
  Array.from(text).every((it) => font.has(it.codePointAt(0) ?? 0));

/** The clusters of a text, and their characters: what {@link itemise} asks a library for. */
export function* neededBy(text: string): Generator<string> {
  for (const { segment } of clustersOf(text)) {
    if (UNSEEN.test(segment)) continue;
    yield segment;
    if (segment.length > 1) yield* segment;
  }
}
