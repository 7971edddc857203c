/**
 * The typeface of documents: Noto Sans, embedded in each. It covers Latin with all diacritics, Vietnamese, Greek,
 * Cyrillic and Devanagari. It lacks other scripts (Arabic, Hebrew, Thai, Chinese, Japanese, Korean, emoji…).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, type Font } from "fontkit";

/** Replaces characters that the typeface lacks. */
export const MISSING = "\u{fffd}";

export interface Typeface {
  regular: Buffer;
  bold: Buffer;
  /**
   * The text in composed form, with plain spaces, and with {@link MISSING} for unprintable characters. Invisible
   * characters are removed.
   */
  shown(text: string): string;
}

let loaded: Typeface | undefined;

/** Read once, on first use, because most nodes never print. */
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
  // The typeface has one glyph for both, so copied text is the same. The usual space is used.
  if (character === "\u{a0}" || character === "\u{202f}") return " ";
  if (known.has(character.codePointAt(0) ?? 0)) return character;
  return /\p{Cf}/u.test(character) ? "" : MISSING;
}
