/** The number of documents of a collection: counted in turns beside writes, and from then on kept by them. */
import type { Database, Mirror } from "./database.ts";

/** Keys of a collection: how many there are after one, up to a limit, and the last of these. */
export type KeysAfter = (key: Buffer, limit: number) => [n: number, last: Buffer | undefined];

export class DocumentCount implements Mirror {
  /** Documents that are counted so far. */
  state = 0;
  private readonly database: Database;
  /** Keys that are counted in one step. */
  private readonly atOnce: number;
  private upTo: Buffer = Buffer.alloc(0);
  private complete = false;

  constructor(database: Database, atOnce: number) {
    this.database = database;
    this.atOnce = atOnce;
  }

  /** Undefined until all documents are counted. */
  get known(): number | undefined {
    return this.complete ? this.state : undefined;
  }

  /** Counts on. */
  step(after: KeysAfter): void {
    const [n, last] = after(this.upTo, this.atOnce);
    this.state += n;
    this.complete = n < this.atOnce;
    this.upTo = last ?? this.upTo;
  }

  /**
   * A document came (1) or went (-1).
   * @param key of its `_id`
   */
  changed(by: 1 | -1, key: () => Buffer): void {
    // The steps to come will see it.
    if (!this.complete && (this.upTo.length === 0 || key().compare(this.upTo) > 0)) return;
    this.database.changing(this);
    this.state += by;
  }
}
