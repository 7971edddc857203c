/**
 * The typeface of documents: Noto Sans, embedded in each. It has Latin with all diacritics, Vietnamese, Greek, Cyrillic
 * and Devanagari. Other scripts (Arabic, Hebrew, Thai, Chinese, Japanese, Korean, emoji…) it has not.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, type Font } from "fontkit";

/** Stands for what the typeface does not have. */
export const MISSING = "\u{fffd}";

export interface Typeface {
  regular: Buffer;
  bold: Buffer;
  /** The text composed, with plain spaces, and with {@link MISSING} for what can't be shown; invisible characters go. */
  shown(text: string): string;
}

let loaded: Typeface | undefined;

/** Read at first use, once: most nodes never print. */
export function typeface(): Typeface {
  loaded ??= load();
  return loaded;
}

function load(): Typeface {
  const { resolve } = createRequire(import.meta.url);
  const file = (name: string) => readFileSync(resolve(`@expo-google-fonts/noto-sans/${name}`));
  const regular = file("400Regular/NotoSans_400Regular.ttf");
  const bold = file("600SemiBold/NotoSans_600SemiBold.ttf");
  const known = new Set((create(regular) as Font).characterSet);
  return {
    regular,
    bold,
    shown: (text) => Array.from(text.normalize("NFC"), (it) => show(it, known)).join(""),
  };
}

function show(character: string, known: ReadonlySet<number>): string {
  // One glyph for both in the typeface, and so one text when it is copied: the usual one.
  if (character === "\u{a0}" || character === "\u{202f}") return " ";
  if (known.has(character.codePointAt(0) ?? 0)) return character;
  return /\p{Cf}/u.test(character) ? "" : MISSING;
}
