/**
 * Words that differ from a mistyped one by one letter: one too many, one missing, another one, or two that changed
 * places. All such texts are made and looked up. So the work depends on the length of the word and on the letters of
 * its script, and not on the catalogue.
 */

/** Shorter words have too many neighbours that mean something else. */
export const MIN_CORRECTED = 5;
/** Longer ones are no words. */
const MAX_CORRECTED = 24;
/** Letters that are tried at each place; enough for every alphabet. */
const MAX_LETTERS = 80;

const HAS_LETTER = /\p{L}/u;

/** The letters that words of an index have, by script. */
export class Alphabets {
  readonly #letters = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();

  /** Takes the letters of a word. */
  add(word: string): void {
    for (const letter of word) {
      if (this.#seen.has(letter)) continue;
      this.#seen.add(letter);
      const script = scriptOf(letter);
      const letters = this.#letters.get(script) ?? new Set();
      this.#letters.set(script, letters.add(letter));
    }
  }

  /** Letters that a word in this script may have. */
  of(word: string): string[] {
    const scripts = new Set([...word].map(scriptOf));
    return [...scripts].flatMap((it) => [...(this.#letters.get(it) ?? [])]).slice(0, MAX_LETTERS);
  }
}

/** All texts that differ from the word by one letter, each once, never the word itself. */
export function neighbours(word: string, letters: readonly string[]): Set<string> {
  const all = Array.from(word);
  const found = new Set<string>();
  for (let at = 0; at <= all.length; at++) {
    const before = all.slice(0, at).join("");
    const after = all.slice(at).join("");
    for (const letter of letters) found.add(before + letter + after);
    if (at === all.length) break;
    const rest = all.slice(at + 1).join("");
    found.add(before + rest);
    for (const letter of letters) found.add(before + letter + rest);
    const next = all[at + 1];
    if (next !== undefined) found.add(before + next + all[at] + all.slice(at + 2).join(""));
  }
  found.delete(word);
  return found;
}

export const isCorrected = (word: string): boolean => {
  const length = Array.from(word).length;
  return length >= MIN_CORRECTED && length <= MAX_CORRECTED && HAS_LETTER.test(word);
};

const SCRIPTS: readonly [string, RegExp][] = [
  ["digits", /\p{N}/u],
  ["Latn", /\p{sc=Latn}/u],
  ["Cyrl", /\p{sc=Cyrl}/u],
  ["Grek", /\p{sc=Grek}/u],
  ["Arab", /\p{sc=Arab}/u],
  ["Hebr", /\p{sc=Hebr}/u],
  ["Hang", /\p{sc=Hang}/u],
  ["Deva", /\p{sc=Deva}/u],
];

/** Scripts that are not listed are one. */
const scriptOf = (letter: string): string => SCRIPTS.find(([, shape]) => shape.test(letter))?.[0] ?? "other";
