/**
 * The search index of a node, in its memory: postings and columns, about 0.5 KB a product. A changed product gets a new
 * number, and its old entries stay until the index is built anew.
 */
import { eachToken, relevance } from "../text/search-tokens.ts";
import { firstInOrder, type Start } from "./first-in-order.ts";
import { type Entries, intersect, MAX_NUMBER, type Matches, makeRoom, Postings } from "./postings.ts";
import type { ProductSearch, SearchedProduct, SearchQuery, SearchResult } from "./product-search.ts";
import { ProductTable } from "./product-table.ts";
import { keyOf, type Place, placeOf } from "./sort-keys.ts";

/** Old entries of so many products are kept, also in a small index. */
const MIN_WORN = 1_000;

const NOTHING: SearchResult = { ids: [], nextAfter: undefined, total: 0, categories: new Map() };

export class MemoryIndex implements ProductSearch {
  readonly #table = new ProductTable();
  readonly #numbers = new Map<string, number>();
  readonly #tokens = new Postings();
  readonly #categories = new Postings();
  /** Used by one search after the other. */
  readonly #matches: Matches = { numbers: new Uint32Array(0), points: new Uint8Array(0), length: 0 };
  #ranks = new Float64Array(0);
  /** Entries of terms, and products, that searches have read. */
  read = 0;

  /** How many products it has. */
  get size(): number {
    return this.#numbers.size;
  }

  /** More than half of it is old. A new one costs less. */
  get isWorn(): boolean {
    return this.#table.length - this.size > this.size + MIN_WORN;
  }

  /** Takes the present state of a product. The same state again changes nothing. */
  put(product: SearchedProduct): void {
    const { _id, writes, listing } = product;
    const before = this.#numbers.get(_id);
    if (before !== undefined) {
      if (this.#table.writes[before] === writes) return;
      this.#table.listed[before] = 0;
      this.#numbers.delete(_id);
    }
    if (listing === null) return;
    const number = this.#table.length;
    if (number >= MAX_NUMBER) throw new Error(`an index has at most ${MAX_NUMBER} products`);
    const wordsOfName = eachToken(listing, (token, points) => this.#tokens.add(token, number, points));
    for (const category of listing.listedIn) this.#categories.add(category, number, 0);
    this.#table.add(product, listing, wordsOfName);
    this.#numbers.set(_id, number);
  }

  search(query: SearchQuery): SearchResult {
    const lists = this.#listsOf(query);
    if (!lists) return NOTHING;
    const matches = this.#matches;
    if (lists.length > 0) this.read += intersect(lists, matches);
    else this.#takeAll(matches);
    this.#retain(matches, query);
    return { ...this.#page(matches, query), total: matches.length, categories: this.#count(matches) };
  }

  /** Undefined where a term has no product. */
  #listsOf({ tokens, category }: SearchQuery): Entries[] | undefined {
    const lists = tokens.map((it) => this.#tokens.of(it));
    if (category !== undefined) lists.push(this.#categories.of(category));
    const found = lists.filter((it) => it !== undefined);
    return found.length === lists.length ? found : undefined;
  }

  #takeAll(matches: Matches): void {
    const { length } = this.#table;
    makeRoom(matches, length);
    for (let number = 0; number < length; number++) matches.numbers[number] = number;
    matches.points.fill(0, 0, length);
    matches.length = length;
    this.read += length;
  }

  #retain(
    matches: Matches,
    { inStock, minPrice = 0, maxPrice = Number.POSITIVE_INFINITY }: SearchQuery,
  ): void {
    const { listed, inStock: stock, prices } = this.#table;
    const { numbers, points, length } = matches;
    const wanted = inStock === undefined ? undefined : Number(inStock);
    let kept = 0;
    for (let i = 0; i < length; i++) {
      const number = numbers[i] as number;
      const price = prices[number] as number;
      if (listed[number] === 0 || price < minPrice || price > maxPrice) continue;
      if (wanted !== undefined && stock[number] !== wanted) continue;
      numbers[kept] = number;
      points[kept++] = points[i] as number;
    }
    matches.length = kept;
  }

  #page(matches: Matches, query: SearchQuery): Pick<SearchResult, "ids" | "nextAfter"> {
    const { order, descending, after, limit } = query;
    const { numbers, length } = matches;
    const sign = descending ? -1 : 1;
    const ranks = this.#rank(matches, query, sign);
    const table = this.#table;
    const placeAt = (item: number): Place =>
      table.place(order, numbers[item] as number, sign * (ranks[item] as number));
    const tie = (item: number, other: number): number => {
      const [a, b] = [numbers[item] as number, numbers[other] as number];
      const byName = order === "name" ? compare(table.names[a] as string, table.names[b] as string) : 0;
      return sign * (byName || compare(table.ids[a] as string, table.ids[b] as string));
    };
    // Newer products have higher ids and numbers.
    const ordered = { ranks, length, tie, fromEnd: descending };
    const start = after === undefined ? undefined : startAt(placeOf(order, after), placeAt, sign);
    const found = firstInOrder(ordered, start, limit + 1);
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      ids: shown.map((item) => this.#table.ids[numbers[item] as number] as string),
      nextAfter: last !== undefined && found.length > limit ? keyOf(order, placeAt(last)) : undefined,
    };
  }

  #rank({ numbers, points, length }: Matches, { order, tokens }: SearchQuery, sign: 1 | -1): Float64Array {
    if (this.#ranks.length < length) this.#ranks = new Float64Array(length);
    const ranks = this.#ranks;
    if (order === "relevance") {
      const { wordsOfName } = this.#table;
      for (let i = 0; i < length; i++) {
        const words = wordsOfName[numbers[i] as number] as number;
        ranks[i] = sign * relevance(points[i] as number, tokens.length, words);
      }
      return ranks;
    }
    const column = this.#table.ranks(order);
    for (let i = 0; i < length; i++) ranks[i] = sign * (column[numbers[i] as number] as number);
    return ranks;
  }

  #count({ numbers, length }: Matches): Map<string, number> {
    const { categories, categorySets } = this.#table;
    const ofSets = new Uint32Array(categorySets.length);
    for (let i = 0; i < length; i++) {
      const set = categories[numbers[i] as number] as number;
      ofSets[set] = (ofSets[set] as number) + 1;
    }
    const counts = new Map<string, number>();
    for (const [set, count] of ofSets.entries())
      if (count > 0) for (const id of categorySets[set] ?? []) counts.set(id, (counts.get(id) ?? 0) + count);
    return counts;
  }
}

const startAt = (place: Place, placeAt: (item: number) => Place, sign: 1 | -1): Start => ({
  rank: sign * place.rank,
  isBefore(item) {
    const { name, id } = placeAt(item);
    return sign * (compare(place.name, name) || compare(place.id, id)) < 0;
  },
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
