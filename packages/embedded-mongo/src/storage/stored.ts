/** A document as a query finds it, of which no more is read than somebody asks for. */
import type { Raw } from "../bson/raw.ts";
import type { Reads } from "../query/reads.ts";

/** A stored document and the row that it is in. As it was read: to be asked before it is written again. */
export interface Stored {
  readonly rid: number;
  /** The whole document; put together when it is first asked for. */
  readonly document: Raw;
  /** The document, where objects that are stored apart from it are empty. */
  readonly outline: Raw;
  /** A form of the document in which everything at these paths is as in the whole one. */
  within(reads: Reads): Raw;
}

/** A document that is stored in one piece, as nearly all are. */
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
