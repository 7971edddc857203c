/**
 * A key per person. Nothing in the chain can be changed, so a person's data is erased by destroying the key. A person who
 * is erased never gets another one.
 */
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Binary } from "mongodb";
import type { Connection } from "mongoose";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { KEY_BYTES } from "./seal.ts";

interface StoredKey {
  _id: string;
  /** Null once it is destroyed. */
  key: Binary | null;
  at: Date;
}

/** How many keys a writer remembers. */
const REMEMBERED = 20_000;

export class PersonKeys {
  readonly #database: Connection;
  readonly #clock: Clock;
  readonly #remembered = new LRUCache<string, Buffer>({ max: REMEMBERED });

  constructor(database: Connection, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Keys to write with, made where there is none. For an erased person it is one that nobody keeps. A key that another
   * node has destroyed may still be remembered here: what is written under it can't be read, as it should be.
   */
  async forWriting(persons: readonly string[]): Promise<Map<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    const others: string[] = [];
    for (const person of new Set(persons)) {
      const key = this.#remembered.get(person);
      if (key) keys.set(person, key);
      else others.push(person);
    }
    if (others.length === 0) return keys;
    let stored = await this.#find(others);
    const missing = others.filter((it) => !stored.has(it));
    if (missing.length > 0) {
      await this.#create(missing);
      stored = new Map([...stored, ...(await this.#find(missing))]);
    }
    for (const person of others) {
      const key = stored.get(person);
      if (key) this.#remembered.set(person, key);
      keys.set(person, key ?? randomBytes(KEY_BYTES));
    }
    return keys;
  }

  /** Keys to read with. None for an erased person. */
  async forReading(persons: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    if (persons.length === 0) return keys;
    for (const [person, key] of await this.#find([...new Set(persons)])) if (key) keys.set(person, key);
    return keys;
  }

  async destroy(person: string): Promise<void> {
    this.#remembered.delete(person);
    const at = new Date(this.#clock.now());
    await this.#keys.updateOne({ _id: person }, { $set: { key: null, at } }, { upsert: true });
  }

  get #keys() {
    return this.#database.collection<StoredKey>("keys");
  }

  async #find(persons: readonly string[]): Promise<Map<string, Buffer | null>> {
    const found = await this.#keys.find({ _id: { $in: [...persons] } }).toArray();
    return new Map(found.map(({ _id, key }) => [_id, key && Buffer.from(key.value())]));
  }

  /** Another writer may have been first. Then its key counts. */
  async #create(persons: readonly string[]): Promise<void> {
    const at = new Date(this.#clock.now());
    const documents = persons.map((_id) => ({ _id, key: new Binary(randomBytes(KEY_BYTES)), at }));
    try {
      await this.#keys.insertMany(documents, { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
}
