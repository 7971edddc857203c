/** The expression compilers for queries, projections and updates. */
import { Environment, letVariables } from "../aggregate/pipeline.ts";
import { fields, type Raw } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { pause } from "../query/deadline.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import type { ValueCompiler } from "../query/project.ts";
import type { PipelineUpdater } from "../update/statement.ts";

export interface Compilers {
  readonly tests: ExpressionCompiler;
  readonly values: ValueCompiler;
  readonly pipeline: PipelineUpdater;
}

const updateStages = new Set(["$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"]);

/** Compilers that know the command's `let`. Built only when an expression appears. */
export function expressionsFor(variables: Raw | undefined, now: number): Compilers {
  let made: Environment | undefined;
  const environment = (): Environment => {
    made ??= new Environment(now, letVariables(variables, now), () => {
      throw new StoreError(238, "other collections can't be read here");
    });
    return made;
  };
  return {
    tests: (expression) => environment().tests(expression),
    values: (expression) => environment().values(expression),
    pipeline: (document, stages) => {
      for (const stage of stages) {
        const name = fields(stage)[0]?.[0] ?? "";
        if (!updateStages.has(name))
          throw new StoreError(72, `${name} is not allowed to be used within an update`);
      }
      let result: Raw | undefined;
      for (const made of environment().compile(stages)([document])) if (made !== pause) result = made;
      if (result === undefined) throw new StoreError(72, "an update pipeline gave no document");
      return result;
    },
  };
}
