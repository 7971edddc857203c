/**
 * Groups reads by `_id` of one collection. Reads that arrive while a command is in flight go out together in the next
 * one. Each read starts after it was requested, so it sees every write acknowledged before.
 */
import type { Document } from "mongodb";
import { COMMAND_TIMEOUT_MS, inTime } from "../resilience/deadline.ts";
import { Batcher } from "./batcher.ts";
import { commandsInFlight } from "./commands-in-flight.ts";
import type { Documents } from "./documents.ts";

const groups = new WeakMap<object, unknown>();

/** The one read group of a collection's whole documents in this process. */
export function readGroup<T extends { _id: string }>(collection: Pick<Documents<T>, "find">): ReadGroup<T> {
  const known = groups.get(collection) as ReadGroup<T> | undefined;
  if (known) return known;
  const group = new ReadGroup<T>(collection);
  groups.set(collection, group);
  return group;
}

interface Read<T> {
  id: string;
  found(document: T | undefined): void;
  failed(error: unknown): void;
}

export class ReadGroup<T extends { _id: string }> {
  readonly #collection: Pick<Documents<T>, "find">;
  readonly #projection: Document | undefined;
  readonly #timeoutMs: number;
  readonly #reads: Batcher<Read<T>>;
  /** Number of commands sent, for benches. */
  commands = 0;

  /** @param timeoutMs see `write-group.ts` */
  constructor(collection: Pick<Documents<T>, "find">, projection?: Document, timeoutMs = COMMAND_TIMEOUT_MS) {
    this.#collection = collection;
    this.#projection = projection;
    this.#timeoutMs = timeoutMs;
    this.#reads = new Batcher((group) => this.#send(group), commandsInFlight(collection));
  }

  /** @throws the driver's error when MongoDB is away */
  get(id: string): Promise<T | undefined> {
    return new Promise((found, failed) => this.#reads.add({ id, found, failed }));
  }

  /** The documents that exist, in no particular order. */
  async getMany(ids: readonly string[]): Promise<T[]> {
    const found = await Promise.all(ids.map((id) => this.get(id)));
    return found.filter((it) => it !== undefined);
  }

  /** Never throws: it settles every read of the group. */
  async #send(group: readonly Read<T>[]): Promise<void> {
    this.commands++;
    try {
      const ids = [...new Set(group.map((it) => it.id))];
      const filter = { _id: ids.length === 1 ? ids[0] : { $in: ids } };
      const options = this.#projection ? { projection: this.#projection } : {};
      const cursor = this.#collection.find(filter, options);
      const found = await inTime(this.#timeoutMs, cursor.toArray());
      const documents = new Map(found.map((it) => [it._id, it]));
      for (const it of group) it.found(documents.get(it.id));
    } catch (error) {
      for (const it of group) it.failed(error);
    }
  }
}
