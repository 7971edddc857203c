/** Groups reads by a key. Each read starts after it was requested, so it sees every write acknowledged before. */
import { Batcher } from "./batcher.ts";

interface Read<V> {
  key: string;
  found(value: V | undefined): void;
  failed(error: unknown): void;
}

export class KeyedReads<V> {
  readonly #readMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>;
  readonly #reads: Batcher<Read<V>>;
  /** Number of commands sent, for benches. */
  commands = 0;

  /**
   * @param readMany reads what there is for these keys, with one command. No key comes twice
   * @param inFlight see {@link Batcher}
   */
  constructor(readMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>, inFlight?: number) {
    this.#readMany = readMany;
    this.#reads = new Batcher((group) => this.#send(group), inFlight);
  }

  /** @throws what `readMany` throws */
  get(key: string): Promise<V | undefined> {
    return new Promise((found, failed) => this.#reads.add({ key, found, failed }));
  }

  /** Never throws: it settles every read of the group. */
  async #send(group: readonly Read<V>[]): Promise<void> {
    this.commands++;
    try {
      const values = await this.#readMany([...new Set(group.map((it) => it.key))]);
      for (const it of group) it.found(values.get(it.key));
    } catch (error) {
      for (const it of group) it.failed(error);
    }
  }
}
