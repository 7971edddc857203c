/** Reads by `_id` of one collection, grouped. */
import type { Document } from "mongodb";
import { COMMAND_TIMEOUT_MS, inTime } from "../resilience/deadline.ts";
import { commandsInFlight } from "./commands-in-flight.ts";
import type { Documents } from "./documents.ts";
import { KeyedReads } from "./keyed-reads.ts";

const groups = new WeakMap<object, unknown>();

/** The one read group of a collection's whole documents in this process. */
export function readGroup<T extends { _id: string }>(collection: Pick<Documents<T>, "find">): ReadGroup<T> {
  const known = groups.get(collection) as ReadGroup<T> | undefined;
  if (known) return known;
  const group = new ReadGroup<T>(collection);
  groups.set(collection, group);
  return group;
}

export class ReadGroup<T extends { _id: string }> extends KeyedReads<T> {
  /** @param timeoutMs see `write-group.ts` */
  constructor(
    collection: Pick<Documents<T>, "find">,
    projection?: Document,
    timeoutMs: number = COMMAND_TIMEOUT_MS,
  ) {
    const options = projection ? { projection } : {};
    super(async (ids) => {
      const filter = { _id: ids.length === 1 ? ids[0] : { $in: ids } };
      const found = await inTime(timeoutMs, collection.find(filter, options).toArray());
      return new Map(found.map((it) => [it._id, it]));
    }, commandsInFlight(collection));
  }

  /** The documents that exist, in no particular order. */
  async getMany(ids: readonly string[]): Promise<T[]> {
    const found = await Promise.all(ids.map((id) => this.get(id)));
    return found.filter((it) => it !== undefined);
  }
}
