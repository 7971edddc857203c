/**
 * For each term, the products that have it: a list of entries, sorted by number. Numbers are only ever appended. An
 * entry is a product's number and two bits of points, see search-tokens.ts.
 */
export interface Entries {
  readonly at: Uint32Array;
  readonly length: number;
}

/** Products of an intersection, with the sum of their points. The arrays are longer than `length`. */
export class Matches {
  numbers = new Uint32Array(0);
  points = new Uint16Array(0);
  length = 0;

  makeRoom(length: number): void {
    if (this.numbers.length >= length) return;
    this.numbers = new Uint32Array(length);
    this.points = new Uint16Array(length);
  }
}

const POINT_BITS = 2;
const POINT_MASK = 3;
/** Numbers of products are below this. */
export const MAX_NUMBER = 2 ** (32 - POINT_BITS);

class List {
  at = new Uint32Array(2);
  length = 0;

  add(entry: number): void {
    if (this.length === this.at.length) {
      const larger = new Uint32Array(Math.ceil(this.length * 1.5) + 1);
      larger.set(this.at);
      this.at = larger;
    }
    this.at[this.length++] = entry;
  }
}

export class Postings {
  /** A term of one product, as most SKUs are, needs no list. */
  readonly #lists = new Map<string, List | number>();

  /**
   * Adds a product to a term. If it has it already, the larger points count.
   * @param number the largest so far
   * @returns whether the term is new
   */
  add(term: string, number: number, points: number): boolean {
    const entry = ((number << POINT_BITS) | points) >>> 0;
    const known = this.#lists.get(term);
    if (known === undefined) {
      this.#lists.set(ownText(term), entry);
      return true;
    }
    if (typeof known === "number") {
      if (known >>> POINT_BITS === number) {
        if (entry > known) this.#lists.set(term, entry);
        return false;
      }
      const list = new List();
      list.add(known);
      list.add(entry);
      this.#lists.set(term, list);
      return false;
    }
    const last = known.at[known.length - 1] as number;
    if (last >>> POINT_BITS !== number) known.add(entry);
    else if (entry > last) known.at[known.length - 1] = entry;
    return false;
  }

  of(term: string): Entries | undefined {
    const known = this.#lists.get(term);
    return typeof known === "number" ? { at: Uint32Array.of(known), length: 1 } : known;
  }

  has(term: string): boolean {
    return this.#lists.has(term);
  }

  get size(): number {
    return this.#lists.size;
  }
}

/** V8 makes a longer part of a text refer to the whole text, which would stay in memory with it. */
const ownText = (term: string): string => (term.length < 13 ? term : Buffer.from(term).toString());

/**
 * Fills `matches` with the products that have all terms. It begins with the rarest term and skips through the lists of
 * the others, so its cost depends on the rarest.
 * @param terms each with its lists, one of which a product must be in. None of them is empty
 * @returns how many entries it has read
 */
export function intersect(terms: readonly (readonly Entries[])[], matches: Matches): number {
  const sorted = terms.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const [first, ...others] = sorted;
  if (!first) throw new Error("an intersection needs a term");
  let read = takeUnion(first, matches);
  for (const lists of others) {
    if (matches.length === 0) break;
    read += retain(matches, lists);
  }
  return read;
}

const sizeOf = (lists: readonly Entries[]): number => lists.reduce((sum, it) => sum + it.length, 0);

/** All products of the lists, each with the largest of its points. */
function takeUnion(lists: readonly Entries[], matches: Matches): number {
  const entries = lists.reduce<Entries>(merge, { at: new Uint32Array(0), length: 0 });
  matches.makeRoom(entries.length);
  const { numbers, points } = matches;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries.at[i] as number;
    numbers[i] = entry >>> POINT_BITS;
    points[i] = entry & POINT_MASK;
  }
  matches.length = entries.length;
  return sizeOf(lists);
}

function merge(a: Entries, b: Entries): Entries {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const at = new Uint32Array(a.length + b.length);
  let length = 0;
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const one = i < a.length ? (a.at[i] as number) : Number.POSITIVE_INFINITY;
    const other = j < b.length ? (b.at[j] as number) : Number.POSITIVE_INFINITY;
    const next = Math.min(one, other);
    if (one === next) i++;
    else j++;
    // Entries of one product are neighbours, the one with more points last.
    if (length > 0 && (at[length - 1] as number) >>> POINT_BITS === next >>> POINT_BITS)
      at[length - 1] = next;
    else at[length++] = next;
  }
  return { at, length };
}

/** Drops the matches that are in none of the lists, and gives the others the largest of their points. */
function retain(matches: Matches, lists: readonly Entries[]): number {
  const { numbers, points } = matches;
  const walks = lists.map((it) => new Walk(it));
  let kept = 0;
  for (let i = 0; i < matches.length; i++) {
    const number = numbers[i] as number;
    let best = -1;
    for (const walk of walks) best = Math.max(best, walk.pointsOf(number));
    if (best < 0) continue;
    numbers[kept] = number;
    points[kept++] = (points[i] as number) + best;
  }
  matches.length = kept;
  return walks.reduce((sum, it) => sum + it.read, 0);
}

/** Goes through a list, for ever larger numbers. */
class Walk {
  readonly #list: Entries;
  #from = 0;
  read = 0;

  constructor(list: Entries) {
    this.#list = list;
  }

  /** Below 0 where the list does not have the number. */
  pointsOf(number: number): number {
    const { at, length } = this.#list;
    if (this.#from >= length) return -1;
    const wanted = (number << POINT_BITS) >>> 0;
    // First ever larger steps, then halves of the last one.
    let step = 1;
    let low = this.#from;
    let high = this.#from;
    while (high < length && (at[high] as number) < wanted) {
      this.read++;
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > length) high = length;
    while (low < high) {
      this.read++;
      const middle = (low + high) >>> 1;
      if ((at[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    this.#from = low;
    this.read++;
    const entry = at[low] as number;
    return low < length && entry >>> POINT_BITS === number ? entry & POINT_MASK : -1;
  }
}
