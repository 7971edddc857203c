/**
 * A search engine that looks at every product for every question: slow, and simple enough to be right. It keeps the
 * port honest, and says what the index in memory must find.
 */

import type {
  Facets,
  SearchEngine,
  SearchedProduct,
  SearchFilters,
  SearchQuery,
  SearchResult,
} from "../../../services/products/search/product-search.ts";
import {
  headOf,
  keyOf,
  type Place,
  placeOf,
  priceRank,
  ratingRank,
  timeOf,
} from "../../../services/products/search/sort-keys.ts";
import { normalizeText } from "../../../services/products/text/normalize-text.ts";
import {
  EXACT_SKU,
  eachTerm,
  queryTerms,
  relevance,
  wordKey,
} from "../../../services/products/text/search-tokens.ts";
import { sortName } from "../../../services/products/text/sort-name.ts";
import type { Analyzer } from "../../../services/products/text/stemmer.ts";
import { tokensIn } from "../../../services/products/text/tokens.ts";

type Found = SearchedProduct & { listing: NonNullable<SearchedProduct["listing"]> };
type Variant = Found["variants"][number];
/** Points of a product for a text; undefined where it does not match. */
type Match = (product: Found) => number | undefined;

export class LookedUpSearch implements SearchEngine {
  readonly isWorn = false;
  readonly #analyzer: Analyzer;
  readonly #currency: string;
  readonly #products = new Map<string, Found>();
  /** Points by kind and term. */
  readonly #terms = new WeakMap<Found, ReadonlyMap<string, number>>();

  constructor(analyzer: Analyzer, currency: string) {
    this.#analyzer = analyzer;
    this.#currency = currency;
  }

  put(product: SearchedProduct): void {
    if (product.listing) this.#products.set(product._id, { ...product, listing: product.listing });
    else this.#products.delete(product._id);
  }

  async search(query: SearchQuery): Promise<SearchResult> {
    const { order, descending, after, limit } = query;
    const scores = this.#scores(query);
    const found = this.#filter(query, scores);
    const sign = descending ? -1 : 1;
    const place = (it: Found): Place => ({
      rank: this.#rank(it, query, scores.get(it._id) ?? 0),
      name: order === "name" ? sortName(it.listing.name) : "",
      id: it._id,
    });
    const compare = (a: Place, b: Place): number =>
      sign * (a.rank - b.rank || byText(a.name, b.name) || byText(a.id, b.id));
    const start = after === undefined ? undefined : placeOf(order, after);
    const rest = found
      .map((it) => ({ it, place: place(it) }))
      .filter((one) => start === undefined || compare(start, one.place) < 0)
      .sort((a, b) => compare(a.place, b.place));
    const shown = rest.slice(0, limit);
    const last = shown.at(-1);
    return {
      ids: shown.map(({ it }) => it._id),
      writes: shown.map(({ it }) => it.writes),
      nextAfter: last && rest.length > limit ? keyOf(order, last.place) : undefined,
      total: found.length,
      isLowerBound: false,
      facets: this.#facets(query, scores, found),
    };
  }

  async productsBySku(beginning: string, limit: number): Promise<string[]> {
    const asked = normalizeText(beginning);
    const all = this.#visible(true).flatMap((it) =>
      it.variants.map(({ sku }) => ({ sku: normalizeText(sku), id: it._id })),
    );
    const found = all.filter(({ sku }) => sku.startsWith(asked)).sort((a, b) => byText(a.sku, b.sku));
    return [...new Set(found.slice(0, limit).map((it) => it.id))];
  }

  #visible(published: boolean | undefined): Found[] {
    return [...this.#products.values()].filter((it) => published === undefined || it.onSale === published);
  }

  /** By id, of those that match the text. */
  #scores({ text, published, category }: SearchQuery): Map<string, number> {
    const all = this.#visible(published);
    const isIn = (it: Found) => category === undefined || it.listing.listedIn.includes(category);
    if (text === undefined) return new Map(all.filter(isIn).map((it) => [it._id, 0]));
    for (const match of this.#matches(text)) {
      const found = all.flatMap((it) => {
        const score = match(it);
        return score === undefined ? [] : [{ it, score }];
      });
      if (found.length > 0)
        return new Map(found.filter(({ it }) => isIn(it)).map(({ it, score }) => [it._id, score]));
    }
    return new Map();
  }

  /** Exact, then with other words for those that nothing has, then for all. */
  *#matches(text: string): Generator<Match> {
    const terms = queryTerms(text, this.#analyzer);
    if (terms.length === 0) return;
    const all = [...this.#products.values()];
    const missing = new Set(
      terms.filter((term) => all.every((it) => this.#points(it, term.text) === undefined)),
    );
    for (const corrected of [new Set<object>(), missing, new Set<object>(terms)])
      yield (product) => {
        let sum = 0;
        for (const term of terms) {
          const near = corrected.has(term) && !term.isGram && this.#isNear(product, term.text);
          const points = this.#points(product, term.text) ?? (near ? 0 : undefined);
          if (points === undefined) return undefined;
          sum += points;
        }
        const isSku = product.variants.some(({ sku }) => wordKey(sku) === wordKey(text));
        const words = eachTerm(product.listing, [], this.#analyzer, () => undefined);
        return isSku ? EXACT_SKU : relevance(sum, terms.length, words);
      };
  }

  #points(product: Found, term: string): number | undefined {
    const terms = this.#terms.get(product) ?? this.#termsOf(product);
    this.#terms.set(product, terms);
    const found = [`words ${term}`, `stems ${this.#analyzer.stem(term)}`, `skus ${term}`].flatMap(
      (it) => terms.get(it) ?? [],
    );
    return found.length > 0 ? Math.max(...found) : undefined;
  }

  #termsOf({ listing, variants }: Found): ReadonlyMap<string, number> {
    const terms = new Map<string, number>();
    const skus = variants.map((it) => it.sku);
    eachTerm(listing, skus, this.#analyzer, (kind, term, points) => {
      const key = `${kind} ${term}`;
      terms.set(key, Math.max(points, terms.get(key) ?? 0));
    });
    return terms;
  }

  #isNear({ listing }: Found, term: string): boolean {
    if (Array.from(term).length < 5) return false;
    const words = [listing.name, listing.labels, listing.words].flatMap(tokensIn);
    return words.some(({ text }) => differByOne(text, term));
  }

  #filter(filters: SearchFilters, scores: ReadonlyMap<string, number>): Found[] {
    return [...this.#products.values()].filter((it) => scores.has(it._id) && passes(it, filters));
  }

  #rank({ listing, rating, _id, variants }: Found, { order }: SearchQuery, score: number): number {
    const offers = variants.filter((it) => isOffer(listing, it));
    switch (order) {
      case "relevance":
        return score;
      case "newest":
        return timeOf(_id);
      case "name":
        return headOf(sortName(listing.name));
      case "rating":
        return ratingRank(rating.average, rating.count);
      case "price":
        return Math.min(
          ...offers.map(({ price }) =>
            priceRank(price.amount, price.currency === this.#currency ? "" : price.currency),
          ),
        );
    }
  }

  /** Each count by asking for that value. */
  #facets(query: SearchQuery, scores: ReadonlyMap<string, number>, found: readonly Found[]): Facets {
    const count = (change: Partial<SearchFilters>) => this.#filter({ ...query, ...change }, scores);
    const categories = new Map<string, { own: number; all: number }>();
    for (const it of found)
      for (const id of new Set([...it.categoryIds, ...it.listing.listedIn])) {
        const { own, all } = categories.get(id) ?? { own: 0, all: 0 };
        const isOwn = it.categoryIds.includes(id);
        const isAbove = it.listing.listedIn.includes(id);
        categories.set(id, { own: own + Number(isOwn), all: all + Number(isAbove) });
      }
    const everything = [...this.#products.values()].flatMap((it) => it.variants);
    const prices = unique(everything.map((it) => it.price.currency)).flatMap((currency) => {
      const at = (min: number, max: number) => count({ price: { currency, min, max } }).length;
      const amounts = unique(everything.map((it) => it.price.amount))
        .sort((a, b) => a - b)
        .filter((it) => at(it, it) > 0);
      const [min, max] = [amounts[0], amounts.at(-1)];
      return min === undefined || max === undefined ? [] : [{ currency, min, max, count: at(min, max) }];
    });
    const names = unique(everything.flatMap((it) => Object.keys(it.options)));
    const options = names.flatMap((name) => {
      const values = unique(everything.flatMap((it) => it.options[name] ?? [])).flatMap((value) => {
        const there = count({ options: { ...query.options, [name]: [value] } }).length;
        return there > 0 ? [{ value, count: there }] : [];
      });
      values.sort((a, b) => b.count - a.count || byText(a.value, b.value));
      return values.length > 0 ? [{ name, values }] : [];
    });
    return {
      categories,
      prices: prices.sort((a, b) => b.count - a.count || byText(a.currency, b.currency)),
      options: options.sort(
        (a, b) => (b.values[0]?.count ?? 0) - (a.values[0]?.count ?? 0) || byText(a.name, b.name),
      ),
      stock: { inStock: count({ inStock: true }).length, outOfStock: count({ inStock: false }).length },
    };
  }
}

const isInStock = ({ stocked, inStock }: Found["listing"], { sku }: Variant): boolean =>
  stocked?.includes(sku) ?? inStock;

const isOffer = (listing: Found["listing"], it: Variant): boolean =>
  !listing.inStock || isInStock(listing, it);

function passes({ listing, variants }: Found, { inStock, price, options }: SearchFilters): boolean {
  if (inStock !== undefined && listing.inStock !== inStock) return false;
  return variants.some((it) => {
    if (inStock === true && !isInStock(listing, it)) return false;
    const { amount, currency } = it.price;
    if (price && !(isOffer(listing, it) && currency === price.currency)) return false;
    if (price && (amount < price.min || amount > price.max)) return false;
    return Object.entries(options).every(([name, values]) => {
      const own = Object.entries(it.options).find(([key]) => same(key, name))?.[1];
      return own !== undefined && values.some((value) => same(own, value));
    });
  });
}

const same = (a: string, b: string): boolean => a === b || normalizedOnce(a) === normalizedOnce(b);

const normalized = new Map<string, string>();

function normalizedOnce(text: string): string {
  const known = normalized.get(text) ?? normalizeText(text);
  normalized.set(text, known);
  return known;
}

/** One letter more, less or another one, or two neighbours that changed places. */
function differByOne(a: string, b: string): boolean {
  const [one, other] = [Array.from(a), Array.from(b)];
  let from = 0;
  while (from < one.length && one[from] === other[from]) from++;
  const rests = (left: string[], right: string[]) => left.join("") === right.join("");
  const [left, right] = [one.slice(from), other.slice(from)];
  const swapped = [right[1] ?? "", right[0] ?? "", ...right.slice(2)];
  return (
    a !== b &&
    (rests(left.slice(1), right.slice(1)) ||
      rests(left.slice(1), right) ||
      rests(left, right.slice(1)) ||
      rests(left, swapped))
  );
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const unique = <T>(all: readonly T[]): T[] => [...new Set(all)];
