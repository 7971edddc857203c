/** Text made comparable: what slugs, search tokens and sort keys are built from. */
import { withoutMarkFloods } from "../../../broker/contract/text.ts";

/** Letters that Unicode does not decompose, as people without that key type them. */
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

/** Lower case without accents and ligatures: `Crème Brûlée` → `creme brulee`. Idempotent. */
export function fold(text: string): string {
  return withoutMarkFloods(text.toWellFormed())
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[ßæœøđðþłı]/g, (letter) => LATIN[letter] ?? letter);
}

/** The words of a text, folded, in order. */
export const words = (text: string): string[] => fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/** The first `max` characters, never half of one. */
export const clip = (text: string, max: number): string =>
  text.length <= max ? text : Array.from(text).slice(0, max).join("");
