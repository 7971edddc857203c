/** Turns `$text: {$search: …}` into an FTS5 expression. */
import type { TextSearch } from "./ast.ts";

/**
 * Words are alternatives, "phrases" must all occur, -words must not. Undefined when nothing could match. Case and
 * diacritics are ignored, as in a MongoDB text index of version 3 with its defaults.
 */
export function textMatch({ search }: TextSearch): string | undefined {
  const words: string[] = [];
  const phrases: string[] = [];
  const without: string[] = [];
  for (const [, minus, phrase, word] of search.matchAll(/(-?)"([^"]*)"|(\S+)/g)) {
    if (phrase !== undefined) {
      if (tokens(phrase).length > 0) (minus ? without : phrases).push(quote(tokens(phrase).join(" ")));
    } else if (word?.startsWith("-")) {
      without.push(...tokens(word).map(quote));
    } else {
      words.push(...tokens(word ?? "").map(quote));
    }
  }
  const wanted = phrases.length > 0 ? phrases.join(" AND ") : words.join(" OR ");
  if (wanted === "") return undefined;
  return without.length === 0 ? wanted : `(${wanted}) NOT (${without.join(" OR ")})`;
}

/** A bound, because normalisation takes quadratic time in the marks on one letter. */
const MAX_MARKS = 30;
const fewMarks = (run: string): string => Array.from(run).slice(0, MAX_MARKS).join("");

function tokens(text: string): string[] {
  return (
    text
      .replace(/\p{M}+/gu, fewMarks)
      .normalize("NFC")
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  );
}

const quote = (word: string): string => `"${word}"`;
