/**
 * Group commit for one collection. Writes that arrive while a command is in flight go out together in the next one,
 * as one unordered bulkWrite. Each caller gets the result of its own write. This saves most of the cost of writing
 * under load. An idle collection is written at once.
 */

import { type Document, MongoBulkWriteError, MongoServerError } from "mongodb";
import { SoukError } from "../contract/errors.ts";
import { COMMAND_TIMEOUT_MS, inTime } from "../resilience/deadline.ts";
import { isTransient } from "../resilience/retry.ts";
import { Batcher } from "./batcher.ts";
import { commandsInFlight } from "./commands-in-flight.ts";
import type { Documents } from "./documents.ts";
import { isDuplicateKey } from "./duplicate-key.ts";

type WriteOperation =
  | { insertOne: { document: object } }
  | { updateOne: { filter: Document; update: Document } };

interface Write {
  operation: WriteOperation;
  done(matched: boolean | undefined): void;
  failed(error: unknown): void;
}

export class WriteGroup<T extends object = object> {
  readonly #collection: Pick<Documents<T>, "bulkWrite">;
  readonly #timeoutMs: number;
  readonly #writes: Batcher<Write>;
  /** Number of commands sent, for benches. */
  commands = 0;

  /**
   * @param timeoutMs a command without an answer by then fails with UNAVAILABLE, whether or not it will still be done
   */
  constructor(collection: Pick<Documents<T>, "bulkWrite">, timeoutMs = COMMAND_TIMEOUT_MS) {
    this.#collection = collection;
    this.#timeoutMs = timeoutMs;
    this.#writes = new Batcher((group) => this.#send(group), commandsInFlight(collection));
  }

  /** See {@link Batcher.underWay}. */
  get underWay(): Promise<void> | undefined {
    return this.#writes.underWay;
  }

  /** @throws MongoServerError with code 11000 where a unique key exists; the driver's error when MongoDB is away */
  async insert(document: T): Promise<void> {
    await this.#add({ insertOne: { document } });
  }

  /** Inserts the document unless one of its unique keys exists. @returns false where one exists */
  async insertNew(document: T): Promise<boolean> {
    try {
      await this.insert(document);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Updates one document.
   * @returns true where the filter matched; undefined where it may not have, because bulkWrite reports only totals
   */
  update(filter: Document, update: Document): Promise<boolean | undefined> {
    return this.#add({ updateOne: { filter, update } });
  }

  #add(operation: WriteOperation): Promise<boolean | undefined> {
    return new Promise((done, failed) => this.#writes.add({ operation, done, failed }));
  }

  /** Never throws: it settles every write of the group. */
  async #send(group: readonly Write[]): Promise<void> {
    this.commands++;
    try {
      const operations = group.map((it) => it.operation);
      const { matchedCount } = await inTime(
        this.#timeoutMs,
        this.#collection.bulkWrite(operations, { ordered: false, ignoreUndefined: true }),
      );
      settle(group, matchedCount);
    } catch (thrown) {
      const error = bulkFailure(thrown);
      if (error instanceof MongoBulkWriteError) partly(group, error);
      else if (group.length > 1 && !isTransient(error)) for (const it of group) await this.#send([it]);
      else for (const it of group) it.failed(error);
    }
  }
}

/**
 * What really happened. The driver reports a lost connection, and an unmet write concern, as a MongoBulkWriteError
 * without write errors. Taken literally, this would mean that every write succeeded.
 * @returns a MongoBulkWriteError only where single operations were refused and all others were done
 */
export function bulkFailure(thrown: unknown): unknown {
  if (!(thrown instanceof MongoBulkWriteError)) return thrown;
  // It was written, but may be rolled back. So its outcome is unknown.
  if (thrown.result.getWriteConcernError()) return new SoukError("UNAVAILABLE");
  return thrown.errorResponse instanceof Error ? thrown.errorResponse : thrown;
}

const isUpdate = ({ operation }: Write): boolean => "updateOne" in operation;

function settle(group: readonly Write[], matched: number): void {
  const all = group.filter(isUpdate).length === matched;
  for (const it of group) it.done(all || !isUpdate(it) ? true : undefined);
}

/** Some operations were refused. The others were done. */
function partly(group: readonly Write[], error: MongoBulkWriteError): void {
  const refused = new Map([error.writeErrors].flat().map((it) => [it.index, it]));
  settle(
    group.filter((_, index) => !refused.has(index)),
    error.result.matchedCount,
  );
  for (const [index, { code, errmsg }] of refused)
    group[index]?.failed(new MongoServerError({ message: errmsg ?? "a write was refused", errmsg, code }));
}

const groups = new WeakMap<object, WriteGroup>();

/** The one write group of a collection in this process. */
export function writeGroup<T extends object>(collection: Pick<Documents<T>, "bulkWrite">): WriteGroup<T> {
  let group = groups.get(collection);
  if (!group) {
    group = new WriteGroup(collection);
    groups.set(collection, group);
  }
  return group;
}
