/**
 * SKUs in their order, for those that begin with what was typed. Their bytes are kept in one buffer, and their order
 * in a few sorted runs, each at least twice as long as the next. So adding one costs little, and finding is a few
 * binary searches.
 */

/** The newest SKUs are in no order yet. */
const UNSORTED = 512;
/** Entries of one run that are looked at: many of them may be of products that are gone. */
const MAX_LOOKED_AT = 1_000;

export class SkuOrder {
  #bytes = Buffer.alloc(1_024);
  /** Where the text of each variant begins. That of the next one is behind its end. */
  #from = new Uint32Array(64);
  #length = 0;
  readonly #runs: Uint32Array[] = [];
  #newest: number[] = [];

  /** @param variant ever larger by one, from 0 */
  add(variant: number, sku: string): void {
    const text = Buffer.from(sku);
    const from = this.#from[variant] as number;
    const end = from + text.length;
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], Math.ceil(end * 1.5));
    text.copy(this.#bytes, from);
    if (variant + 2 > this.#from.length) {
      const larger = new Uint32Array(Math.ceil(this.#from.length * 1.5));
      larger.set(this.#from);
      this.#from = larger;
    }
    this.#from[variant + 1] = end;
    this.#length = variant + 1;
    this.#newest.push(variant);
    if (this.#newest.length === UNSORTED) this.#sortNewest();
  }

  /** How many there are. */
  get size(): number {
    return this.#length;
  }

  /** The first variants, in order of their SKUs, that begin so and are wanted: at most `limit`. */
  beginningWith(beginning: string, limit: number, isWanted: (variant: number) => boolean): number[] {
    const text = Buffer.from(beginning);
    const found = this.#newest.filter((it) => this.#compareStart(it, text) === 0 && isWanted(it));
    for (const run of this.#runs) {
      let wanted = 0;
      const first = this.#firstFrom(run, text);
      for (let at = first; at < run.length && at < first + MAX_LOOKED_AT && wanted < limit; at++) {
        const variant = run[at] as number;
        if (this.#compareStart(variant, text) !== 0) break;
        if (!isWanted(variant)) continue;
        found.push(variant);
        wanted++;
      }
    }
    return found.sort((a, b) => this.#compare(a, b)).slice(0, limit);
  }

  #sortNewest(): void {
    this.#runs.push(Uint32Array.from(this.#newest.sort((a, b) => this.#compare(a, b))));
    this.#newest = [];
    for (;;) {
      const [before, last] = this.#runs.slice(-2);
      if (!before || !last || before.length >= 2 * last.length) return;
      this.#runs.splice(-2, 2, this.#merged(before, last));
    }
  }

  #merged(a: Uint32Array, b: Uint32Array): Uint32Array {
    const merged = new Uint32Array(a.length + b.length);
    let [i, j] = [0, 0];
    for (let at = 0; at < merged.length; at++) {
      const fromA = j >= b.length || (i < a.length && this.#compare(a[i] as number, b[j] as number) <= 0);
      merged[at] = (fromA ? a[i++] : b[j++]) as number;
    }
    return merged;
  }

  #compare(a: number, b: number): number {
    const from = this.#from;
    return this.#bytes.compare(
      this.#bytes,
      from[b] as number,
      from[b + 1] as number,
      from[a] as number,
      from[a + 1] as number,
    );
  }

  /** 0 where the SKU begins with the text. */
  #compareStart(variant: number, text: Buffer): number {
    const from = this.#from[variant] as number;
    const end = Math.min(this.#from[variant + 1] as number, from + text.length);
    return this.#bytes.compare(text, 0, text.length, from, end);
  }

  #firstFrom(run: Uint32Array, text: Buffer): number {
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareStart(run[middle] as number, text) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
