import type { Raw } from "../bson/raw.ts";
import type { Pause } from "../query/deadline.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import type { ValueCompiler } from "../query/project.ts";
import type { Scope } from "./expression.ts";

/** Documents, with pauses between them. Every stage passes pauses on. */
export type Stream = Iterable<Raw | Pause>;
export type Stage = (documents: Stream) => Stream;

/** The context of a stage: variables, time, other pipelines and collections. */
export interface StageContext {
  readonly names: ReadonlySet<string>;
  readonly tests: ExpressionCompiler;
  readonly values: ValueCompiler;
  /** Text scores of the documents that a `$text` match found. */
  readonly scores: WeakMap<Raw, number> | undefined;
  readonly scope: (document: Raw) => Scope;
  compile(stages: readonly Raw[]): Stage;
  /** The same context with more variables. */
  within(more: readonly (readonly [string, Raw | undefined])[]): StageContext;
  /** Another collection, read through a pipeline. */
  from(collection: string, stages: readonly Raw[]): Stream;
}
