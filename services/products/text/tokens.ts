/**
 * Splits normalized text into words. Scripts without blanks between words are split into runs, which are found by
 * pairs of neighbouring characters. Pairs find every part of a run. A dictionary would not: it splits the same word
 * differently in another sentence, and in another version of ICU.
 */
import { wordsIn } from "./normalize-text.ts";

export interface Token {
  text: string;
  /** A run of a script without blanks. */
  isRun: boolean;
}

const UNSPACED =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}]/u;
const PARTS =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}]+|[^\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}]+/gu;
const ASCII = /^[\x20-\x7e]*$/;

/** The words and runs of a normalized text, in order. */
export const tokensIn = (normalized: string): Token[] => tokensOf(wordsIn(normalized), normalized);

/** The same for words that are separated by blanks and have nothing between them. */
export const tokensOfWords = (words: string): Token[] =>
  words === "" ? [] : tokensOf(words.split(" "), words);

function tokensOf(words: readonly string[], normalized: string): Token[] {
  if (ASCII.test(normalized)) return words.map((text) => ({ text, isRun: false }));
  return words.flatMap((word) =>
    UNSPACED.test(word)
      ? (word.match(PARTS) ?? []).map((text) => ({ text, isRun: UNSPACED.test(text) }))
      : [{ text: word, isRun: false }],
  );
}

/** Calls `found` with each character of a run, and each pair of neighbours. */
export function eachGram(run: string, found: (gram: string) => void): void {
  let before = "";
  for (const character of run) {
    found(character);
    if (before !== "") found(before + character);
    before = character;
  }
}

/** What a run of a query must be found by: its pairs, or its only character. */
export function gramsOf(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length < 2) return characters;
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`);
}
