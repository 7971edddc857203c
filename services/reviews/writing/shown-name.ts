/**
 * The name beside a review, made from the account's: the first name and the initial of the last. A whole name would
 * tell everybody who has bought what.
 */
import { cleanLine } from "../../../broker/contract/values/text.ts";

const MAX = 40;
/** Names of these scripts are often written without a blank, family name first. */
const WITHOUT_BLANKS =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const initialOf = (word: string): string => [...letters.segment(word.slice(0, 32))][0]?.segment ?? "";

/** @returns null where nothing of it may be shown, as for an e-mail address */
export function shownName(name: string): string | null {
  const words = cleanLine(name)
    .split(" ")
    .filter((it) => it !== "");
  const [first = "", ...others] = words;
  if (first === "" || words.some((it) => it.includes("@"))) return null;
  const last = others.at(-1);
  if (last !== undefined) return cut(`${first.slice(0, MAX - 8)} ${initialOf(last)}.`);
  return WITHOUT_BLANKS.test(first) ? `${initialOf(first)}**` : cut(first);
}

/** No half of a character is left at the end. */
const cut = (text: string): string => cleanLine(text.slice(0, MAX).replace(/[\ud800-\udbff]$/, ""));
