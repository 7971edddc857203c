/**
 * Group commit for a collection: writes that come while a command is under way wait and go out together, as one
 * unordered bulkWrite, one in flight. Each caller learns what became of its own. At load this saves most of what
 * writing costs; an idle collection is written to at once.
 */

import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoServerError,
} from "mongodb";
import { SoukError } from "../contract/errors.ts";
import { COMMAND_TIMEOUT_MS, inTime } from "../resilience/deadline.ts";
import { isTransient } from "../resilience/retry.ts";
import { Batcher } from "./batcher.ts";
import { isDuplicateKey } from "./duplicate-key.ts";

interface Write {
  operation: AnyBulkWriteOperation;
  done(matched: boolean | undefined): void;
  failed(error: unknown): void;
}

export class WriteGroup<T extends Document = Document> {
  readonly #collection: Pick<Collection<T>, "bulkWrite">;
  readonly #timeoutMs: number;
  readonly #writes = new Batcher<Write>((group) => this.#send(group));
  /** Commands sent, for benches. */
  commands = 0;

  /**
   * @param timeoutMs a command that has not come back by then is given up with UNAVAILABLE, whether it will be done
   * or not: one that has gone silent is noticed by nobody else
   */
  constructor(collection: Pick<Collection<T>, "bulkWrite">, timeoutMs = COMMAND_TIMEOUT_MS) {
    this.#collection = collection;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves when the command that is under way is back; undefined where none is. */
  get underWay(): Promise<void> | undefined {
    return this.#writes.underWay;
  }

  /** @throws MongoServerError with code 11000 where a unique key is taken; whatever the driver throws when MongoDB is away */
  async insert(document: T): Promise<void> {
    await this.#add({ insertOne: { document } } as never);
  }

  /** Inserts it where its unique keys are free. @returns false where one is taken already */
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
   * @returns true where the filter is known to have matched, undefined where it may not have: bulkWrite tells totals only
   */
  update(filter: Document, update: Document): Promise<boolean | undefined> {
    return this.#add({ updateOne: { filter, update } });
  }

  #add(operation: AnyBulkWriteOperation): Promise<boolean | undefined> {
    return new Promise((done, failed) => this.#writes.add({ operation, done, failed }));
  }

  /** Never throws: every write of the group is told what became of it. */
  async #send(group: readonly Write[]): Promise<void> {
    this.commands++;
    try {
      const operations = group.map((it) => it.operation) as never;
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
 * What really happened: the driver dresses a lost connection, and a write concern that was not met, as a
 * MongoBulkWriteError without write errors. Taken for one it would mean that every write had been done.
 * @returns a MongoBulkWriteError exactly where single operations were refused and all others done
 */
export function bulkFailure(thrown: unknown): unknown {
  if (!(thrown instanceof MongoBulkWriteError)) return thrown;
  // Written, but perhaps not for good: as if nobody knew.
  if (thrown.result.getWriteConcernError()) return new SoukError("UNAVAILABLE");
  return thrown.errorResponse instanceof Error ? thrown.errorResponse : thrown;
}

const isUpdate = ({ operation }: Write): boolean => "updateOne" in operation;

function settle(group: readonly Write[], matched: number): void {
  const all = group.filter(isUpdate).length === matched;
  for (const it of group) it.done(all || !isUpdate(it) ? true : undefined);
}

/** Some operations were refused; the others have been done. */
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
export function writeGroup<T extends Document>(collection: Collection<T>): WriteGroup<T> {
  let group = groups.get(collection);
  if (!group) {
    group = new WriteGroup(collection as unknown as Collection);
    groups.set(collection, group);
  }
  return group as unknown as WriteGroup<T>;
}
