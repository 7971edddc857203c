/** The blocks of the log, as stored. They are only added, and dropped by whole days. */
import type { Connection } from "mongoose";
import type { Block } from "./block.ts";

export class Blocks {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  get collection() {
    return this.#database.collection<Block>("blocks");
  }

  /** @throws a duplicate-key error where another writer has this block, or the log has one of the messages */
  async insert(block: Block): Promise<void> {
    await this.collection.insertOne(block);
  }

  async last(): Promise<Block | undefined> {
    const [last] = await this.collection.find({}).sort({ _id: -1 }).limit(1).toArray();
    return last;
  }

  /** Which of these messages the log has. */
  async known(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await this.collection
      .find({ ids: { $in: [...ids] } })
      .project<Pick<Block, "ids">>({ ids: 1, _id: 0 })
      .toArray();
    return new Set(found.flatMap((it) => it.ids));
  }
}
