import type { Raw } from "../bson/raw.ts";
import type { Pause } from "../query/deadline.ts";

/** Documents, with pauses between them that every stage passes on. */
export type Stream = Iterable<Raw | Pause>;
export type Stage = (documents: Stream) => Stream;
