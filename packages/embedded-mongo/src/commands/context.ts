/** The arguments of a command handler. */
import type { Document } from "bson";
import type { Deadline, Work } from "../query/deadline.ts";
import type { Store } from "../store.ts";
import type { Request } from "./request.ts";

export interface Context {
  readonly store: Store;
  readonly request: Request;
  readonly now: number;
  readonly deadline: Deadline;
  /** True for a write whose reply is stored, so that a repeat is answered and not applied. */
  readonly retried: boolean;
}

/** A reply: BSON bytes, or an object to which `ok: 1` is added. */
export type Reply = Buffer | Document;
/** A long command is a generator. Between its steps, other commands run. */
export type Handler = (context: Context) => Reply | Work<Reply>;

export interface Command {
  readonly run: Handler;
  /** The arguments of the command, without its own name. Undefined where any are accepted. */
  readonly fields?: ReadonlySet<string>;
  /** Whether the command changes data. A group without such commands commits nothing. */
  readonly writes?: boolean;
  /** Whether a reader thread may run the command, because it only reads. */
  readonly reads?: boolean;
  /** Drivers may send the command again as a retryable write. */
  readonly retryable?: boolean;
}
