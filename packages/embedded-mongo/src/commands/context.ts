/** What a command handler gets. */
import type { Document } from "bson";
import type { Deadline, Work } from "../query/deadline.ts";
import type { Store } from "../store.ts";
import type { Request } from "./request.ts";

export interface Context {
  readonly store: Store;
  readonly request: Request;
  readonly now: number;
  readonly deadline: Deadline;
  /** True for a write whose reply is remembered, so that a repeat is answered and not applied. */
  readonly retried: boolean;
}

/** A reply: BSON bytes, or an object; `ok: 1` is added to objects. */
export type Reply = Buffer | Document;
/** What takes long is a generator: between its steps other commands have their turn. */
export type Handler = (context: Context) => Reply | Work<Reply>;

export interface Command {
  readonly run: Handler;
  /** The arguments that the command knows besides its own name; undefined where they are free. */
  readonly fields?: ReadonlySet<string>;
  /** Whether the command changes data; a group without such commands commits nothing. */
  readonly writes?: boolean;
  /** Not run against a database or not worth a savepoint. */
  readonly retryable?: boolean;
}
