/**
 * Full-text search on any MongoDB. Each product has a multikey index over the beginnings of its words. So a query
 * word is one equality, also finds beginnings ("sweat" finds "Sweatshirt"), and needs no text index. Words are
 * sequences of Unicode letters and digits. So scripts without spaces are found only by the beginning of a run of
 * text.
 */
import { clip, words } from "./normalize-text.ts";

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

export interface Searchable {
  name: string;
  description: string;
  /** Names of categories, options of variants: found by whole words and longer beginnings. */
  labels: readonly string[];
  /** Found as a whole and by their parts. */
  skus: readonly string[];
}

/** At most some 400 tokens, usually about 30. Each is an index entry, so tokens of little meaning are left out. */
export function searchTokens({ name, description, labels, skus }: Searchable): string[] {
  const tokens = new Set<string>();
  for (const word of words(name).slice(0, MAX_NAME_WORDS)) addBeginnings(tokens, word, 2);
  for (const word of words(labels.join(" ")).slice(0, MAX_LABEL_WORDS)) addBeginnings(tokens, word, 4);
  for (const word of words(skus.join(" ")).slice(0, MAX_LABEL_WORDS))
    tokens.add(clip(word, MAX_TOKEN_LENGTH));
  for (const word of distinct(words(description)).slice(0, MAX_DESCRIPTION_WORDS))
    if (!STOP_WORDS.has(word)) tokens.add(clip(word, MAX_TOKEN_LENGTH));
  return [...tokens];
}

/** All tokens that a product must have. Empty for an empty search. The most specific first. */
export function queryTokens(query: string): string[] {
  const asked = words(query);
  const specific = asked.filter((it) => !STOP_WORDS.has(it));
  return distinct((specific.length > 0 ? specific : asked).map((it) => clip(it, MAX_TOKEN_LENGTH)))
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_QUERY_WORDS);
}

/** How well a name matches the query: 0 to 99. Whole words count more than beginnings. */
export function relevance(name: string, tokens: readonly string[]): number {
  if (tokens.length === 0) return 0;
  const named = words(name).map((it) => clip(it, MAX_TOKEN_LENGTH));
  let points = 0;
  for (const token of tokens) {
    if (named.includes(token)) points += 3;
    else if (named.some((it) => it.startsWith(token))) points += 2;
  }
  // Of names with all words, the shorter one is the closer match.
  return Math.round((90 * points) / (3 * tokens.length)) + Math.max(0, 9 - named.length);
}

/** The word, and its beginnings of at least `shortest` characters. */
function addBeginnings(tokens: Set<string>, word: string, shortest: number): void {
  const characters = Array.from(word).slice(0, MAX_TOKEN_LENGTH);
  for (let length = Math.min(shortest, characters.length); length <= characters.length; length++)
    tokens.add(characters.slice(0, length).join(""));
}

const distinct = (all: readonly string[]): string[] => [...new Set(all)];
