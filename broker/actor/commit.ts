/**
 * Reads and writes of actor documents, in groups: what waits while one command is under way goes out as one
 * command. A write is conditional on the version, and each caller learns whether its own took.
 */
import { type AnyBulkWriteOperation, MongoBulkWriteError } from "mongodb";
import { isTransient } from "../bus/retry.ts";
import { bulkFailure } from "../write-group.ts";
import type { ActorDocument } from "./actor-host.types.ts";
import type { ActorCollection } from "./actor-model.ts";
import { inTime } from "./deadline.ts";
import { checkMaps, diff } from "./diff.ts";

/** Operations in one command. */
const MAX_GROUP = 500;
const DUPLICATE_KEY = 11000;

interface Write {
  kind: "insert" | "update" | "pull";
  id: string;
  /** Name of the commit; empty for a pull. */
  commit: string;
  operation: AnyBulkWriteOperation;
  took(took: boolean): void;
  failed(error: unknown): void;
}

interface Read<S> {
  id: string;
  found(document: ActorDocument<S> | null): void;
  failed(error: unknown): void;
}

export class ActorStore<S extends object> {
  readonly #collection: ActorCollection;
  readonly #maps: readonly string[];
  readonly #patienceMs: number;
  #writes: Write[] = [];
  #writing = false;
  #reads: Read<S>[] = [];
  #reading = false;
  /** Commands sent, for benches. */
  readonly commands = { writes: 0, reads: 0 };

  /**
   * @param maps see {@link diff}
   * @param patienceMs a command that has not come back by then is given up. (The driver may wait for ever for a
   * connection that the server closes while a command is being written.) Should it be done after all, it meets the
   * same version check as any late write, and its commit has a name that no other has.
   */
  constructor(collection: ActorCollection, maps: readonly string[] = [], patienceMs = 15_000) {
    this.#patienceMs = patienceMs;
    this.#collection = collection;
    this.#maps = maps;
  }

  /** The document as it is in the database; its state is not checked. */
  load(id: string): Promise<ActorDocument<S> | null> {
    return new Promise((found, failed) => {
      this.#reads.push({ id, found, failed });
      if (this.#reading) return;
      this.#reading = true;
      setImmediate(() => void this.#readAll());
    });
  }

  /**
   * Writes `next` where the stored version is still that of `previous` (null: where there is no document).
   * @returns whether it took; false also where another commit came right after it, which reading again will show
   * @throws when the database is away (the write may have taken or not), or when it refuses this document
   */
  commit(previous: ActorDocument<S> | null, next: ActorDocument<S>): Promise<boolean> {
    const { _id: id, commit } = next;
    if (previous === null) {
      checkMaps(next.state, this.#maps);
      return this.#write("insert", id, commit, { insertOne: { document: next as never } });
    }
    const filter = { _id: id, version: previous.version } as never;
    const update = diff(previous, next, this.#maps) as never;
    return this.#write("update", id, commit, { updateOne: { filter, update } });
  }

  /** Takes confirmed entries out of an outbox, whatever the version. */
  async pull(id: string, entries: readonly string[]): Promise<void> {
    const update = { $pull: { outbox: { id: { $in: entries } } } } as never;
    await this.#write("pull", id, "", { updateOne: { filter: { _id: id } as never, update } });
  }

  #write(kind: Write["kind"], id: string, commit: string, operation: Write["operation"]): Promise<boolean> {
    return new Promise((took, failed) => {
      this.#writes.push({ kind, id, commit, operation, took, failed });
      if (this.#writing) return;
      this.#writing = true;
      setImmediate(() => void this.#writeAll());
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#writes.length > 0) {
      const group = this.#writes.splice(0, MAX_GROUP);
      await this.#send(group);
    }
    this.#writing = false;
  }

  /** Never throws: every write of the group is told what became of it. */
  async #send(group: readonly Write[]): Promise<void> {
    this.commands.writes++;
    const expected = group.reduce((count, it) => (it.kind === "insert" ? count : count + 1), 0);
    try {
      const operations = group.map((it) => it.operation);
      const options = { ordered: false, ignoreUndefined: true };
      const { matchedCount } = await inTime(
        this.#patienceMs,
        this.#collection.bulkWrite(operations, options),
      );
      if (matchedCount === expected) for (const it of group) it.took(true);
      else await this.#lookAgain(group);
    } catch (thrown) {
      const error = bulkFailure(thrown);
      if (error instanceof MongoBulkWriteError) await this.#partly(group, error, expected);
      else if (group.length > 1 && !isTransient(error)) for (const it of group) await this.#send([it]);
      else for (const it of group) it.failed(error);
    }
  }

  /** Some operations were refused; the others have been done. */
  async #partly(group: readonly Write[], error: MongoBulkWriteError, expected: number): Promise<void> {
    const rest = new Set(group);
    let left = expected;
    for (const refused of [error.writeErrors].flat()) {
      const write = group[refused.index];
      if (!write) continue;
      rest.delete(write);
      if (write.kind !== "insert") left--;
      if (write.kind === "insert" && refused.code === DUPLICATE_KEY) write.took(false);
      else
        write.failed(
          refused.err
            ? Object.assign(new Error(refused.errmsg), { code: refused.code, name: "MongoServerError" })
            : error,
        );
    }
    if (error.result.matchedCount === left) for (const it of rest) it.took(true);
    else await this.#lookAgain([...rest]);
  }

  /** The totals say that some conditional write found no document: the names of the last commits tell which. */
  async #lookAgain(group: readonly Write[]): Promise<void> {
    const updates = group.filter((it) => it.kind === "update");
    try {
      const found = await this.#find(
        updates.map((it) => it.id),
        { commit: 1 },
      );
      const last = new Map(found.map((it) => [it._id, it.commit]));
      for (const it of group) it.took(it.kind !== "update" || last.get(it.id) === it.commit);
    } catch (error) {
      for (const it of group) it.failed(error);
    }
  }

  async #readAll(): Promise<void> {
    while (this.#reads.length > 0) {
      const group = this.#reads.splice(0, MAX_GROUP);
      this.commands.reads++;
      try {
        const found = await this.#find([...new Set(group.map((it) => it.id))]);
        const documents = new Map(found.map((it) => [it._id, it]));
        for (const it of group) it.found(documents.get(it.id) ?? null);
      } catch (error) {
        for (const it of group) it.failed(error);
      }
    }
    this.#reading = false;
  }

  async #find(ids: readonly string[], projection?: Record<string, 1>): Promise<ActorDocument<S>[]> {
    const cursor = this.#collection.find({ _id: { $in: ids } } as never, projection ? { projection } : {});
    return (await inTime(this.#patienceMs, cursor.toArray())) as unknown as ActorDocument<S>[];
  }
}
