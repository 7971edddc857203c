/**
 * What a product is found by. Its words are stored with it. The terms, which are words, their beginnings and their
 * stems, are made from them where they are indexed. So a query word is a few look-ups, and also finds beginnings
 * ("sweat" finds "Sweatshirt") and other forms ("boxes" finds "Box").
 */
import { clip, normalizeText, words } from "./normalize-text.ts";
import type { Analyzer } from "./stemmer.ts";
import { eachGram, gramsOf, tokensIn, tokensOfWords } from "./tokens.ts";

/** Of a longer word, the rest is not looked at. The longest SKU has as many. */
export const MAX_WORD_LENGTH = 64;
/** The longest beginning of a word that is a term of its own. */
export const MAX_BEGINNING = 12;

/** How well a term matches a product, in points. They fit two bits. */
export const POINTS = { beginsLabel: 0, elsewhere: 1, partOfName: 2, wordOfName: 3 } as const;

/** Terms of one kind never meet those of another: the stem `univers` is no word. */
export type Kind = "words" | "stems" | "skus";

export interface Searchable {
  name: string;
  description: string;
  /** Names of categories, options of variants: found by whole words and longer beginnings. */
  labels: readonly string[];
}

/** The normalized words of a product, as they are stored. */
export interface SearchText {
  /** The whole name, with its punctuation. */
  name: string;
  /** Words of labels, separated by blanks. */
  labels: string;
  /** Words of the description, separated by blanks. */
  words: string;
}

/** All words, each once. */
export const searchText = ({ name, description, labels }: Searchable): SearchText => ({
  name: normalizeText(name),
  labels: distinct(words(labels.join(" "))).join(" "),
  words: distinct(words(description)).join(" "),
});

/**
 * Calls `found` with each term of a product. A term may come several times, in different places.
 * @param skus of all variants
 * @returns how many words the name has
 */
export function eachTerm(
  { name, labels, words }: SearchText,
  skus: readonly string[],
  { stem, isStopWord }: Analyzer,
  found: (kind: Kind, term: string, points: number) => void,
): number {
  const grams = (run: string, points: number) => eachGram(run, (gram) => found("words", gram, points));
  const named = tokensIn(name);
  for (const { text, isRun } of named) {
    if (isRun) grams(text, POINTS.wordOfName);
    else {
      const word = clip(text, MAX_WORD_LENGTH);
      found("words", word, POINTS.wordOfName);
      found("stems", stem(word), POINTS.partOfName);
      eachBeginning(word, 2, (beginning) => found("words", beginning, POINTS.partOfName));
    }
  }
  for (const { text, isRun } of tokensOfWords(labels)) {
    if (isRun) grams(text, POINTS.elsewhere);
    else {
      const word = clip(text, MAX_WORD_LENGTH);
      found("words", word, POINTS.elsewhere);
      found("stems", stem(word), POINTS.elsewhere);
      eachBeginning(word, 4, (beginning) => found("words", beginning, POINTS.beginsLabel));
    }
  }
  for (const { text, isRun } of tokensOfWords(words)) {
    if (isRun) grams(text, POINTS.elsewhere);
    else if (!isStopWord(text)) found("stems", stem(clip(text, MAX_WORD_LENGTH)), POINTS.elsewhere);
  }
  for (const { text, isRun } of tokensIn(normalizeText(skus.join(" ")))) {
    if (isRun) grams(text, POINTS.elsewhere);
    else found("skus", clip(text, MAX_WORD_LENGTH), POINTS.elsewhere);
  }
  return named.length;
}

/** What a product must have. */
export interface QueryTerm {
  text: string;
  /** A character of a script without blanks, or two neighbours. */
  isGram: boolean;
}

/** All terms of a query. None where it has no word. The most specific first. */
export function queryTerms(query: string, { isStopWord }: Analyzer): QueryTerm[] {
  const asked = tokensIn(normalizeText(query));
  const specific = asked.filter(({ text, isRun }) => isRun || !isStopWord(text));
  const terms = new Map<string, QueryTerm>();
  for (const { text, isRun } of specific.length > 0 ? specific : asked)
    for (const term of isRun ? gramsOf(text) : [clip(text, MAX_WORD_LENGTH)])
      terms.set(term, { text: term, isGram: isRun });
  return [...terms.values()].sort((a, b) => b.text.length - a.text.length);
}

/** The words of a text, for equality: `AB 12` is `ab-12`. */
export const wordKey = (text: string): string =>
  tokensIn(normalizeText(text))
    .map((it) => it.text)
    .join(" ");

/**
 * How well a product matches a query: 0 to 99. Whole words of the name count more than beginnings.
 * @param points of all terms together, see {@link POINTS}
 * @param terms how many the query has
 */
export function relevance(points: number, terms: number, wordsOfName: number): number {
  if (terms === 0) return 0;
  // Of names with all words, the shorter one is the closer match.
  return Math.round((90 * points) / (POINTS.wordOfName * terms)) + Math.max(0, 9 - wordsOfName);
}

/** Above all others. */
export const EXACT_SKU = 200;

/** The beginnings of a word that are shorter than it and have at least `shortest` characters. */
function eachBeginning(word: string, shortest: number, found: (beginning: string) => void): void {
  const longest = Math.min(word.length - 1, MAX_BEGINNING);
  for (let end = 1, characters = 1; end <= longest; end++) {
    // Never half of a character.
    if (isSecondHalf(word.charCodeAt(end))) continue;
    if (characters++ >= shortest) found(word.slice(0, end));
  }
}

const isSecondHalf = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

const distinct = (all: readonly string[]): string[] => [...new Set(all)];
