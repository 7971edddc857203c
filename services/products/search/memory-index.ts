/**
 * The search index of a node, in its memory: postings and columns. A changed product gets a new number, and its old
 * entries stay until the index is built anew.
 */
import { normalizeText } from "../text/normalize-text.ts";
import { EXACT_SKU, relevance } from "../text/search-tokens.ts";
import type { Analyzer } from "../text/stemmer.ts";
import { Criteria, optionGroup, PRICE } from "./criteria.ts";
import { countCategories, countOptions, countPrices, countStock, type Numbers } from "./facet-counts.ts";
import { firstInOrder, type Start } from "./first-in-order.ts";
import { intersect, MAX_NUMBER, Matches, Postings } from "./postings.ts";
import type { Facets, SearchEngine, SearchedProduct, SearchQuery, SearchResult } from "./product-search.ts";
import { ProductTable } from "./product-table.ts";
import { keyOf, type Place, placeOf } from "./sort-keys.ts";
import { type Lists, TermIndex } from "./term-index.ts";
import { skuHash } from "./variant-table.ts";

/** Old entries of so many products are kept, also in a small index. */
const MIN_WORN = 1_000;
/** Facets of so many filters are kept for other pages and orders. */
const MAX_COUNTED = 200;

/** What was typed, as the index understands it. */
interface Understood {
  /** How many terms a product has points for. */
  terms: number;
  /** Of a SKU, where it may be one. */
  skuHash: number | undefined;
}

export class MemoryIndex implements SearchEngine {
  readonly #table: ProductTable;
  readonly #terms: TermIndex;
  readonly #numbers = new Map<string, number>();
  readonly #categories = new Postings();
  // Used by one search after the other.
  readonly #found = new Matches();
  readonly #kept = new Matches();
  readonly #others = new Matches();
  #ranks = new Float64Array(0);
  readonly #maxSize: number;
  readonly #counted = new Map<string, Facets>();
  /** Entries of terms, and products, that searches have read. */
  read = 0;

  /**
   * @param currency of the shop
   * @param maxSize with more products it counts as worn
   */
  constructor(analyzer: Analyzer, currency: string, maxSize = MAX_NUMBER) {
    this.#maxSize = maxSize;
    this.#terms = new TermIndex(analyzer);
    this.#table = new ProductTable(currency);
  }

  /** How many products it has. */
  get size(): number {
    return this.#numbers.size;
  }

  /** More than half of it is old, or it is too large for the thread that it is in. */
  get isWorn(): boolean {
    return this.size > this.#maxSize || this.#table.length - this.size > this.size + MIN_WORN;
  }

  put(product: SearchedProduct): void {
    const { _id, writes, listing, variants } = product;
    const before = this.#numbers.get(_id);
    if (before !== undefined) {
      if (this.#table.writes[before] === writes) return;
      this.#table.listed[before] = 0;
      this.#numbers.delete(_id);
    }
    if (before !== undefined || listing) this.#counted.clear();
    if (listing === null) return;
    const number = this.#table.length;
    if (number >= MAX_NUMBER) throw new Error(`an index has at most ${MAX_NUMBER} products`);
    const skus = variants.map((it) => it.sku);
    const wordsOfName = this.#terms.add(number, listing, skus);
    for (const category of listing.listedIn) this.#categories.add(category, number, 0);
    this.#table.add(product, listing, wordsOfName);
    this.#numbers.set(_id, number);
  }

  search(query: SearchQuery): SearchResult {
    const criteria = Criteria.of(this.#table, query, normalizeText);
    const understood = this.#find(query, criteria);
    const kept = this.#passing(criteria, this.#kept);
    return {
      ...this.#page(kept, query, understood),
      total: kept.length,
      isLowerBound: false,
      facets: this.#facets(query, criteria, kept),
    };
  }

  productsBySku(beginning: string, limit: number): string[] {
    const { variants, skus, listed, published, ids } = this.#table;
    if (variants.length === 0) return [];
    const found = skus.beginningWith(normalizeText(beginning), limit, (variant) => {
      const product = this.#table.productOf(variant);
      return listed[product] === 1 && published[product] === 1;
    });
    return [...new Set(found.map((it) => ids[this.#table.productOf(it)] as string))];
  }

  /** Fills `found` with the visible products of a text and a category. */
  #find({ text, category }: SearchQuery, criteria: Criteria): Understood {
    const found = this.#found;
    found.length = 0;
    const inCategory = category === undefined ? [] : [this.#categories.of(category)];
    const nothing: Understood = { terms: 0, skuHash: undefined };
    if (inCategory.some((it) => it === undefined)) return nothing;
    const lists = inCategory.map((it) => (it ? [it] : []));
    if (text === undefined) {
      if (lists.length > 0) this.#intersect(lists, criteria);
      else this.#takeAll(criteria);
      return nothing;
    }
    const terms = this.#terms.termsOf(text);
    if (terms.length === 0) return nothing;
    const understood: Understood = {
      terms: terms.length,
      skuHash: this.#terms.areOfSkus(terms) ? skuHash(text) : undefined,
    };
    const exact = this.#terms.exact(terms);
    if (this.#has(exact, lists, criteria)) return understood;
    for (const corrected of this.#terms.corrected(terms, exact))
      if (this.#has(corrected, lists, criteria)) break;
    return understood;
  }

  /** Fills `found`. @returns whether any visible product has the terms, in whatever category */
  #has(terms: Lists, inCategory: Lists, criteria: Criteria): boolean {
    const found = this.#found;
    found.length = 0;
    if (terms.some((it) => it.length === 0)) return false;
    this.#intersect([...terms, ...inCategory], criteria);
    if (found.length > 0 || inCategory.length === 0) return found.length > 0;
    this.#intersect(terms, criteria);
    const isFound = found.length > 0;
    found.length = 0;
    return isFound;
  }

  #intersect(lists: Lists, criteria: Criteria): void {
    const found = this.#found;
    this.read += intersect(lists, found);
    let kept = 0;
    for (let i = 0; i < found.length; i++) {
      const number = found.numbers[i] as number;
      if (!criteria.isVisible(number)) continue;
      found.numbers[kept] = number;
      found.points[kept++] = found.points[i] as number;
    }
    found.length = kept;
  }

  #takeAll(criteria: Criteria): void {
    const { length } = this.#table;
    const found = this.#found;
    found.makeRoom(length);
    let kept = 0;
    for (let number = 0; number < length; number++)
      if (criteria.isVisible(number)) found.numbers[kept++] = number;
    found.points.fill(0, 0, kept);
    found.length = kept;
    this.read += length;
  }

  /** Those of `found` that pass. */
  #passing(criteria: Criteria, into: Matches): Matches {
    const { numbers, points, length } = this.#found;
    if (!criteria.testsVariants && criteria.inStock === undefined) return this.#found;
    into.makeRoom(length);
    let kept = 0;
    for (let i = 0; i < length; i++) {
      const number = numbers[i] as number;
      if (!criteria.passes(number)) continue;
      into.numbers[kept] = number;
      into.points[kept++] = points[i] as number;
    }
    into.length = kept;
    return into;
  }

  #page(
    matches: Matches,
    query: SearchQuery,
    understood: Understood,
  ): Pick<SearchResult, "ids" | "writes" | "nextAfter"> {
    const { order, descending, after, limit } = query;
    const { numbers, length } = matches;
    const sign = descending ? -1 : 1;
    const ranks = this.#rank(matches, query.order, understood, sign);
    const table = this.#table;
    const placeAt = (item: number): Place =>
      table.place(order, numbers[item] as number, sign * (ranks[item] as number));
    const tie = (item: number, other: number): number => {
      const [a, b] = [numbers[item] as number, numbers[other] as number];
      const byName = order === "name" ? compare(table.names[a] as string, table.names[b] as string) : 0;
      return sign * (byName || table.compareIds(a, b));
    };
    // Newer products have higher ids and numbers.
    const ordered = { ranks, length, tie, fromEnd: descending };
    const start = after === undefined ? undefined : startAt(placeOf(order, after), placeAt, sign);
    const found = firstInOrder(ordered, start, limit + 1);
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      ids: shown.map((item) => table.ids[numbers[item] as number] as string),
      writes: shown.map((item) => table.writes[numbers[item] as number] as number),
      nextAfter: last !== undefined && found.length > limit ? keyOf(order, placeAt(last)) : undefined,
    };
  }

  #rank(
    { numbers, points, length }: Matches,
    order: SearchQuery["order"],
    { terms, skuHash }: Understood,
    sign: 1 | -1,
  ): Float64Array {
    if (this.#ranks.length < length) this.#ranks = new Float64Array(length);
    const ranks = this.#ranks;
    if (order === "relevance") {
      const { wordsOfName } = this.#table;
      for (let i = 0; i < length; i++) {
        const number = numbers[i] as number;
        const isExact = skuHash !== undefined && this.#hasSku(number, skuHash);
        ranks[i] =
          sign * (isExact ? EXACT_SKU : relevance(points[i] as number, terms, wordsOfName[number] as number));
      }
      return ranks;
    }
    const column = this.#table.ranks(order);
    for (let i = 0; i < length; i++) ranks[i] = sign * (column[numbers[i] as number] as number);
    return ranks;
  }

  #hasSku(product: number, hash: number): boolean {
    const { firstVariant, variants } = this.#table;
    const end = firstVariant[product + 1] as number;
    for (let at = firstVariant[product] as number; at < end; at++)
      if (variants.skuHash[at] === hash) return true;
    return false;
  }

  #facets(query: SearchQuery, criteria: Criteria, kept: Matches): Facets {
    const { text, category, inStock, price, options, published } = query;
    const key = JSON.stringify([text, category, inStock, price, Object.entries(options).sort(), published]);
    const known = this.#counted.get(key);
    if (known) return known;
    const facets = this.#count(criteria, kept);
    if (this.#counted.size >= MAX_COUNTED) this.#counted.clear();
    this.#counted.set(key, facets);
    return facets;
  }

  #count(criteria: Criteria, kept: Numbers): Facets {
    const table = this.#table;
    const groups = new Set(criteria.groups);
    const without = (group: string): [Numbers, Criteria] => {
      if (!groups.has(group)) return [kept, criteria];
      const others = criteria.without(group);
      return [this.#passing(others, this.#others), others];
    };
    const options = countOptions(table, kept, criteria, (key) => !groups.has(optionGroup(key)));
    for (const group of groups)
      if (group !== PRICE)
        options.push(...countOptions(table, ...without(group), (key) => optionGroup(key) === group));
    const anyStock = criteria.withStock(undefined);
    return {
      categories: countCategories(table, kept),
      prices: countPrices(table, ...without(PRICE)),
      options: options.sort((a, b) => most(b) - most(a) || compare(a.name, b.name)),
      stock: countStock(
        table,
        criteria.inStock === undefined ? kept : this.#passing(anyStock, this.#others),
        anyStock,
      ),
    };
  }
}

const most = ({ values }: Facets["options"][number]): number => values[0]?.count ?? 0;

const startAt = (place: Place, placeAt: (item: number) => Place, sign: 1 | -1): Start => ({
  rank: sign * place.rank,
  isBefore(item) {
    const { name, id } = placeAt(item);
    return sign * (compare(place.name, name) || compare(place.id, id)) < 0;
  },
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
