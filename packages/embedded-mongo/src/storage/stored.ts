/** A document as found by a query. Only requested parts are read. */
import type { Raw } from "../bson/raw.ts";
import type { Reads } from "../query/reads.ts";

/** A stored document and its row, as read. Check it again before a write. */
export interface Stored {
  readonly rid: number;
  /** The whole document. Assembled on first access. */
  readonly document: Raw;
  /** The document, with separately stored objects empty. */
  readonly outline: Raw;
  /** The document, complete at these paths. */
  within(reads: Reads): Raw;
}

/** A document that is stored in one piece, as almost all are. */
export class WholeDocument implements Stored {
  readonly rid: number;
  readonly document: Raw;

  constructor(rid: number, document: Raw) {
    this.rid = rid;
    this.document = document;
  }

  get outline(): Raw {
    return this.document;
  }

  within(): Raw {
    return this.document;
  }
}
