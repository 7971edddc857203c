/**
 * For each term, the products that have it: a list of entries, sorted by number. Numbers are only ever appended. An
 * entry is a product's number and two bits of points, see search-tokens.ts.
 */
export interface Entries {
  readonly at: Uint32Array;
  readonly length: number;
}

/** Products of an intersection, with the sum of their points. The arrays are longer than `length`. */
export interface Matches {
  numbers: Uint32Array;
  points: Uint8Array;
  length: number;
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

  /** Adds a product to a term. If it has it already, the larger points count. @param number the largest so far */
  add(term: string, number: number, points: number): void {
    const entry = ((number << POINT_BITS) | points) >>> 0;
    const known = this.#lists.get(term);
    if (known === undefined) {
      this.#lists.set(term, entry);
      return;
    }
    if (typeof known === "number") {
      if (known >>> POINT_BITS === number) {
        if (entry > known) this.#lists.set(term, entry);
        return;
      }
      const list = new List();
      list.add(known);
      list.add(entry);
      this.#lists.set(term, list);
      return;
    }
    const last = known.at[known.length - 1] as number;
    if (last >>> POINT_BITS !== number) known.add(entry);
    else if (entry > last) known.at[known.length - 1] = entry;
  }

  of(term: string): Entries | undefined {
    const known = this.#lists.get(term);
    return typeof known === "number" ? { at: Uint32Array.of(known), length: 1 } : known;
  }
}

/**
 * Fills `matches` with the products of all lists. It begins with the shortest list and skips through the others, so
 * its cost depends on the rarest term.
 * @returns how many entries it has read
 */
export function intersect(lists: readonly Entries[], matches: Matches): number {
  const [first, ...others] = lists.toSorted((a, b) => a.length - b.length);
  if (!first) throw new Error("an intersection needs a list");
  makeRoom(matches, first.length);
  const { numbers, points } = matches;
  for (let i = 0; i < first.length; i++) {
    const entry = first.at[i] as number;
    numbers[i] = entry >>> POINT_BITS;
    points[i] = entry & POINT_MASK;
  }
  matches.length = first.length;
  let read = first.length;
  for (const list of others) read += retain(matches, list);
  return read;
}

/** Drops the matches that are not in the list. */
function retain(matches: Matches, { at, length }: Entries): number {
  const { numbers, points } = matches;
  let kept = 0;
  let from = 0;
  let read = 0;
  for (let i = 0; i < matches.length && from < length; i++) {
    const number = numbers[i] as number;
    const wanted = (number << POINT_BITS) >>> 0;
    // First ever larger steps, then halves of the last one.
    let step = 1;
    let low = from;
    let high = from;
    while (high < length && (at[high] as number) < wanted) {
      read++;
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > length) high = length;
    while (low < high) {
      read++;
      const middle = (low + high) >>> 1;
      if ((at[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    from = low;
    read++;
    const entry = at[from] as number;
    if (from >= length || entry >>> POINT_BITS !== number) continue;
    numbers[kept] = number;
    points[kept] = (points[i] as number) + (entry & POINT_MASK);
    kept++;
  }
  matches.length = kept;
  return read;
}

export function makeRoom(matches: Matches, length: number): void {
  if (matches.numbers.length >= length) return;
  matches.numbers = new Uint32Array(length);
  matches.points = new Uint8Array(length);
}
