/** The terms of all products, and which lists of them a query means. */
import type { Listing } from "../models/product.model.ts";
import { clip } from "../text/normalize-text.ts";
import { eachTerm, type Kind, MAX_BEGINNING, type QueryTerm, queryTerms } from "../text/search-tokens.ts";
import type { Analyzer } from "../text/stemmer.ts";
import { Alphabets, isCorrected, neighbours } from "./corrections.ts";
import { type Entries, Postings } from "./postings.ts";

/** Words of one query that are corrected. Each costs some hundred look-ups. */
const MAX_CORRECTED_WORDS = 4;

/** For each term of a query its lists, one of which a product must be in. */
export type Lists = readonly (readonly Entries[])[];

export class TermIndex {
  readonly #analyzer: Analyzer;
  readonly #kinds: Readonly<Record<Kind, Postings>> = {
    words: new Postings(),
    stems: new Postings(),
    skus: new Postings(),
  };
  readonly #alphabets = new Alphabets();

  constructor(analyzer: Analyzer) {
    this.#analyzer = analyzer;
  }

  /** @returns how many words the product's name has */
  add(number: number, listing: Listing, skus: readonly string[]): number {
    return eachTerm(listing, skus, this.#analyzer, (kind, term, points) => {
      const isNew = this.#kinds[kind].add(term, number, points);
      if (isNew && kind === "stems") this.#alphabets.add(term);
    });
  }

  termsOf(text: string): QueryTerm[] {
    return queryTerms(text, this.#analyzer);
  }

  /** Whether each of the terms is a part of some SKU. */
  areOfSkus(terms: readonly QueryTerm[]): boolean {
    return terms.every(({ text, isGram }) => isGram || this.#kinds.skus.has(text));
  }

  /** Lists of the terms as they are. A term that no product has gets none. */
  exact(terms: readonly QueryTerm[]): Lists {
    return terms.map((it) => this.#listsOf(it));
  }

  /**
   * What to look for where nothing has all terms, the most cautious first: other words for those that no product has,
   * then also for the others.
   */
  *corrected(terms: readonly QueryTerm[], exact: Lists): Generator<Lists, void> {
    const missing = exact.filter((it) => it.length === 0).length;
    if (missing > MAX_CORRECTED_WORDS) return;
    const others = new Map<QueryTerm, readonly Entries[]>();
    for (const [at, term] of terms.entries()) {
      if (exact[at]?.length !== 0) continue;
      const lists = this.#neighboursOf(term);
      if (lists.length === 0) return;
      others.set(term, lists);
    }
    if (missing > 0) yield terms.map((term, at) => others.get(term) ?? exact[at] ?? []);
    for (const term of terms) {
      if (others.size === MAX_CORRECTED_WORDS) break;
      if (!others.has(term)) others.set(term, this.#neighboursOf(term));
    }
    yield terms.map((term, at) => [...(exact[at] ?? []), ...(others.get(term) ?? [])]);
  }

  #listsOf({ text, isGram }: QueryTerm): readonly Entries[] {
    const { words, stems, skus } = this.#kinds;
    if (isGram) return present([words.of(text)]);
    const found = present([words.of(text), stems.of(this.#analyzer.stem(text)), skus.of(text)]);
    if (found.length > 0 || text.length <= MAX_BEGINNING) return found;
    return present([words.of(clip(text, MAX_BEGINNING))]);
  }

  #neighboursOf({ text, isGram }: QueryTerm): readonly Entries[] {
    if (isGram || !isCorrected(text)) return [];
    const { words, stems } = this.#kinds;
    const near = neighbours(text, this.#alphabets.of(text));
    const found = new Set([...near].map((it) => this.#analyzer.stem(it)));
    const whole = present([...found].map((it) => stems.of(it)));
    // Else it may be the beginning of a word.
    return whole.length > 0 ? whole : present([...near].map((it) => words.of(it)));
  }
}

const present = (lists: readonly (Entries | undefined)[]): Entries[] =>
  lists.filter((it) => it !== undefined);
