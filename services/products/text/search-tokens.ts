/**
 * Full-text search on any MongoDB: each product carries the beginnings of the words it should be found by, under a
 * multikey index. A query word is then one equality, finds beginnings of words ("sweat" finds "Sweatshirt"), and
 * needs no text index. Words are told apart by what Unicode calls letters and digits, so scripts that write without
 * spaces are found by the beginning of a run of text only.
 */
import { clip, words } from "./normalize-text.ts";

/** Longer words are found by their first characters. */
export const MAX_TOKEN_LENGTH = 12;
const MAX_NAME_WORDS = 16;
const MAX_LABEL_WORDS = 24;
const MAX_DESCRIPTION_WORDS = 40;
const MAX_QUERY_WORDS = 8;
/** Words of descriptions that tell nothing; one that is searched for is left out of the query as well. */
const FILLERS = new Set(
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

/** At most some 400 tokens, usually about 30: each is an entry of the index, so what hardly tells anything is left out. */
export function searchTokens({ name, description, labels, skus }: Searchable): string[] {
  const tokens = new Set<string>();
  for (const word of words(name).slice(0, MAX_NAME_WORDS)) addBeginnings(tokens, word, 2);
  for (const word of words(labels.join(" ")).slice(0, MAX_LABEL_WORDS)) addBeginnings(tokens, word, 4);
  for (const word of words(skus.join(" ")).slice(0, MAX_LABEL_WORDS))
    tokens.add(clip(word, MAX_TOKEN_LENGTH));
  for (const word of distinct(words(description)).slice(0, MAX_DESCRIPTION_WORDS))
    if (!FILLERS.has(word)) tokens.add(clip(word, MAX_TOKEN_LENGTH));
  return [...tokens];
}

/** What a product must have all of to be found; empty when there is nothing to search for. The most telling first. */
export function queryTokens(query: string): string[] {
  const asked = words(query);
  const telling = asked.filter((it) => !FILLERS.has(it));
  return distinct((telling.length > 0 ? telling : asked).map((it) => clip(it, MAX_TOKEN_LENGTH)))
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_QUERY_WORDS);
}

/** How well a name answers the query: 0 to 99. Whole words count more than beginnings, and the rest not at all. */
export function relevance(name: string, tokens: readonly string[]): number {
  if (tokens.length === 0) return 0;
  const named = words(name).map((it) => clip(it, MAX_TOKEN_LENGTH));
  let points = 0;
  for (const token of tokens) {
    if (named.includes(token)) points += 3;
    else if (named.some((it) => it.startsWith(token))) points += 2;
  }
  // Between names that hold all words, the shorter is the closer answer.
  return Math.round((90 * points) / (3 * tokens.length)) + Math.max(0, 9 - named.length);
}

/** The word, and its beginnings of at least `shortest` characters. */
function addBeginnings(tokens: Set<string>, word: string, shortest: number): void {
  const characters = Array.from(word).slice(0, MAX_TOKEN_LENGTH);
  for (let length = Math.min(shortest, characters.length); length <= characters.length; length++)
    tokens.add(characters.slice(0, length).join(""));
}

const distinct = (all: readonly string[]): string[] => [...new Set(all)];
