/**
 * A collection in memory with the parts of the driver's interface that the runtime uses. It simulates faults: it
 * takes time, and fails before or after a write. Query and update semantics are the embedded store's.
 */

import { matcherOf, updated } from "@souk/embedded-mongo/semantics";
import { type BulkWriteResult, MongoBulkWriteError, MongoNetworkError, type WriteError } from "mongodb";
import type { ActorDocument } from "../../../../broker/actor/runtime/document/actor-host.types.ts";
import { Life } from "../../../../broker/actor/testing/matrix/life.ts";
import type { Documents } from "../../../../broker/mongo/documents.ts";
import { standIn } from "../../../support/stand-in.ts";

type Doc = Record<string, unknown> & { _id: string };

export interface SimStoreOptions {
  /** Event-loop passes to wait before and after each command. Random where tests want interleavings. */
  delay?: () => Promise<void>;
  /** Asked once per bulkWrite: `before` fails unwritten, `after` fails although it is written. */
  fail?: () => "before" | "after" | undefined;
}

export class SimStore {
  readonly documents = new Map<string, Doc>();
  readonly counts = { bulkWrites: 0, finds: 0, operations: 0 };
  /** The update of each updateOne, as sent. */
  readonly updates: Record<string, unknown>[] = [];
  readonly #options: SimStoreOptions;

  constructor(options: SimStoreOptions = {}) {
    this.#options = options;
  }

  get<T>(id: string): T | undefined {
    const found = this.documents.get(id);
    return found && (structuredClone<object>(found) as T);
  }

  all<T>(): T[] {
    return [...this.documents.keys()].map((id) => this.get<T>(id) as T);
  }

  /** A node's view. What a node sends before it crashes or freezes is still done. */
  collection<T = ActorDocument<object>>(life: Life = new Life()): Documents<T> {
    const round = async <T>(work: () => T): Promise<T> => {
      await life.awake();
      await this.#options.delay?.();
      const result = work();
      await this.#options.delay?.();
      await life.awake();
      return result;
    };
    const view = {
      bulkWrite: async (operations: readonly Operation[]) => {
        const failure = this.#options.fail?.();
        const result = await round(() =>
          failure === "before" ? undefined : this.#bulk(structuredClone(operations)),
        );
        if (failure) throw new MongoNetworkError("connection closed");
        return finish(result!);
      },
      find: (filter: object) => {
        const read = () =>
          round(() => {
            this.counts.finds++;
            return [...this.documents.values()]
              .filter(matcherOf(filter))
              .map((it) => structuredClone(it) as T);
          });
        return {
          toArray: read,
          async *[Symbol.asyncIterator]() {
            yield* await read();
          },
        };
      },
    };
    return view;
  }

  #bulk(operations: readonly Operation[]): BulkResult {
    this.counts.bulkWrites++;
    this.counts.operations += operations.length;
    let matchedCount = 0;
    const writeErrors: { index: number; code: number; errmsg: string }[] = [];
    for (const [index, operation] of operations.entries()) {
      if ("insertOne" in operation) {
        const { document } = operation.insertOne;
        if (this.documents.has(document._id))
          writeErrors.push({ index, code: 11000, errmsg: "E11000 duplicate key" });
        else this.documents.set(document._id, withoutUndefined(document) as Doc);
        continue;
      }
      if ("updateMany" in operation) {
        const { filter, update: change } = operation.updateMany;
        for (const id of filter._id.$in) {
          const document = this.documents.get(id);
          if (document) applyUpdate(document, change);
        }
        continue;
      }
      const { filter, update: change } = operation.updateOne;
      const document = this.documents.get(filter._id);
      if (!document || ("version" in filter && document.version !== filter.version)) continue;
      matchedCount++;
      this.updates.push(change);
      applyUpdate(document, change);
    }
    return { matchedCount, writeErrors };
  }
}

type Operation =
  | { insertOne: { document: Doc } }
  | { updateMany: { filter: { _id: { $in: string[] } }; update: Record<string, unknown> } }
  | { updateOne: { filter: { _id: string; version?: number }; update: Record<string, unknown> } };

interface BulkResult {
  matchedCount: number;
  writeErrors: { index: number; code: number; errmsg: string }[];
}

function finish({ matchedCount, writeErrors }: BulkResult): { matchedCount: number } {
  if (writeErrors.length === 0) return { matchedCount };
  const result = standIn<BulkWriteResult>({ matchedCount, getWriteConcernError: () => undefined });
  const refused = writeErrors.map((it) => standIn<WriteError>(it));
  throw new MongoBulkWriteError({ message: "E11000", code: 11000, writeErrors: refused }, result);
}

/** Applies update operators in place, as MongoDB does to a stored document. */
export function applyUpdate(document: object, change: object): void {
  const next = updated(document, withoutUndefined(change) as Record<string, unknown>);
  for (const name of Object.keys(document)) delete (document as Record<string, unknown>)[name];
  Object.assign(document, next);
}

/** What BSON with `ignoreUndefined` keeps. Makes a copy. */
export function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((it) => (it === undefined ? null : withoutUndefined(it)));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .map(([key, it]) => [key, withoutUndefined(it)]),
  );
}
