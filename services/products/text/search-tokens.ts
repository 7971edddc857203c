/**
 * What a product is found by. Its words are stored with it. The tokens, which are words and their beginnings, are made
 * from them where they are indexed. So a query word is one look-up and also finds beginnings ("sweat" finds
 * "Sweatshirt"). Words are sequences of Unicode letters and digits. So scripts without spaces are found only by the
 * beginning of a run of text.
 */
import { clip, normalizeText, words, wordsIn } from "./normalize-text.ts";

/** Longer words are found by their first characters. */
export const MAX_TOKEN_LENGTH = 12;
const MAX_NAME_WORDS = 16;
const MAX_LABEL_WORDS = 24;
const MAX_DESCRIPTION_WORDS = 40;
const MAX_QUERY_WORDS = 8;
/** Words of descriptions without meaning for a search. Queries drop them too. */
const STOP_WORDS = new Set(
  "a an and are as at be by for from has in is it its of on or rather than that the this to with".split(" "),
);

/** How well a token matches a product, in points. They fit two bits. */
export const POINTS = { elsewhere: 0, beginsWordOfName: 2, wordOfName: 3 } as const;

export interface Searchable {
  name: string;
  description: string;
  /** Names of categories, options of variants: found by whole words and longer beginnings. */
  labels: readonly string[];
  /** Found as a whole and by their parts. */
  skus: readonly string[];
}

/** The normalized words of a product, as they are stored. */
export interface SearchText {
  /** The whole name, with its punctuation. */
  name: string;
  /** Words of labels, separated by blanks. */
  labels: string;
  /** Words of SKUs and of the description, separated by blanks. */
  words: string;
}

/** At most some 130 words. Those of little meaning are left out. */
export function searchText({ name, description, labels, skus }: Searchable): SearchText {
  const clipped = (all: readonly string[]) => all.map((it) => clip(it, MAX_TOKEN_LENGTH));
  const ofSkus = words(skus.join(" ")).slice(0, MAX_LABEL_WORDS);
  const described = distinct(words(description)).slice(0, MAX_DESCRIPTION_WORDS);
  return {
    name: normalizeText(name),
    labels: distinct(clipped(words(labels.join(" ")).slice(0, MAX_LABEL_WORDS))).join(" "),
    words: distinct(clipped([...ofSkus, ...described.filter((it) => !STOP_WORDS.has(it))])).join(" "),
  };
}

/**
 * Calls `found` with each token: at most some 400, usually about 40. A token may come several times, in different
 * places.
 * @returns how many words the name has
 */
export function eachToken(
  { name, labels, words }: SearchText,
  found: (token: string, points: number) => void,
): number {
  const named = wordsIn(name);
  for (const word of named.slice(0, MAX_NAME_WORDS)) {
    const token = clip(word, MAX_TOKEN_LENGTH);
    found(token, POINTS.wordOfName);
    eachBeginning(token, 2, (beginning) => found(beginning, POINTS.beginsWordOfName));
  }
  for (const token of wordsIn(labels)) {
    found(token, POINTS.elsewhere);
    eachBeginning(token, 4, (beginning) => found(beginning, POINTS.elsewhere));
  }
  for (const token of wordsIn(words)) found(token, POINTS.elsewhere);
  return named.length;
}

/** All tokens that a product must have. Empty for an empty search. The most specific first. */
export function queryTokens(query: string): string[] {
  const asked = words(query);
  const specific = asked.filter((it) => !STOP_WORDS.has(it));
  return distinct((specific.length > 0 ? specific : asked).map((it) => clip(it, MAX_TOKEN_LENGTH)))
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_QUERY_WORDS);
}

/**
 * How well a product matches a query: 0 to 99. Whole words of the name count more than beginnings.
 * @param points of all tokens together, see {@link POINTS}
 * @param tokens how many the query has
 */
export function relevance(points: number, tokens: number, wordsOfName: number): number {
  if (tokens === 0) return 0;
  // Of names with all words, the shorter one is the closer match.
  return Math.round((90 * points) / (POINTS.wordOfName * tokens)) + Math.max(0, 9 - wordsOfName);
}

/** The beginnings of a token that are shorter than it and have at least `shortest` characters. */
function eachBeginning(token: string, shortest: number, found: (beginning: string) => void): void {
  for (let end = 1, characters = 1; end < token.length; end++) {
    // Never half of a character.
    if (isSecondHalf(token.charCodeAt(end))) continue;
    if (characters++ >= shortest) found(token.slice(0, end));
  }
}

const isSecondHalf = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

const distinct = (all: readonly string[]): string[] => [...new Set(all)];
