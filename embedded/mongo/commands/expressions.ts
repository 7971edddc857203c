/** The expression compilers that queries and updates are given. */
import type { Raw } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import type { ValueCompiler } from "../query/project.ts";
import type { PipelineUpdater } from "../update/statement.ts";

export function expressionsFor(
  _variables: Raw | undefined,
  _now: number,
): { tests: ExpressionCompiler; values: ValueCompiler; pipeline: PipelineUpdater } {
  const refuse = (): never => {
    throw new StoreError(238, "expressions are not supported yet");
  };
  return { tests: refuse, values: refuse, pipeline: refuse };
}
