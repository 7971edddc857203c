/** Normalized text, for slugs, search tokens and sort keys. */
import { withoutMarkFloods } from "../../../broker/contract/values/text.ts";

/** Letters that Unicode does not decompose, as typed by people without that key. */
const LATIN: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  þ: "th",
  ł: "l",
  ı: "i",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** Lower case without accents and ligatures: `Crème Brûlée` → `creme brulee`. Idempotent. */
export function normalizeText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return withoutMarkFloods(text.toWellFormed())
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[ßæœøđðþłı]/g, (letter) => LATIN[letter] ?? letter);
}

/** The words of a text, normalized, in order. */
export const words = (text: string): string[] => wordsIn(normalizeText(text));

/** The words of a normalized text, in order. */
export const wordsIn = (normalized: string): string[] => normalized.match(/[\p{L}\p{N}]+/gu) ?? [];

/** The first `max` characters, never half of one. */
export const clip = (text: string, max: number): string =>
  text.length <= max ? text : Array.from(text).slice(0, max).join("");
