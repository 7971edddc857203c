/**
 * The options that variants have, as numbers: each pair of a name and a value once, and each set of pairs once. Names
 * and values that differ only in case and accents are the same one.
 */
import { normalizeText } from "../text/normalize-text.ts";

export interface OptionPair {
  readonly name: string;
  readonly value: string;
  /** Of the normalized name. */
  readonly nameKey: string;
}

export class OptionValues {
  /** As first written, by number. */
  readonly pairs: OptionPair[] = [];
  /** Sets of pair numbers, by number. Variants and products share them. The first is empty. */
  readonly sets: (readonly number[])[] = [[]];
  readonly #numbers = new Map<string, number>();
  readonly #setNumbers = new Map<string, number>([["", 0]]);

  /** @returns the number of the set */
  add(options: Readonly<Record<string, string>>): number {
    return this.setOf(Object.entries(options).map(([name, value]) => this.#pair(name, value)));
  }

  /** @returns the number of the set of these pairs */
  setOf(pairs: Iterable<number>): number {
    const sorted = [...new Set(pairs)].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#setNumbers.get(key);
    if (known !== undefined) return known;
    this.#setNumbers.set(key, this.sets.length);
    return this.sets.push(sorted) - 1;
  }

  /** The numbers of those pairs that some variant has. */
  numbersOf(name: string, values: readonly string[]): Set<number> {
    const found = values.map((value) => this.#numbers.get(pairKey(normalizeText(name), value)));
    return new Set(found.filter((it) => it !== undefined));
  }

  #pair(name: string, value: string): number {
    const nameKey = normalizeText(name);
    const key = pairKey(nameKey, value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.pairs.length);
    return this.pairs.push({ name, value, nameKey }) - 1;
  }
}

const pairKey = (nameKey: string, value: string): string => `${nameKey}\u0001${normalizeText(value)}`;
