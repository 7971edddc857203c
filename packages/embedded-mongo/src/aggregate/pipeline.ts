/** Compiles pipelines and gives stages their context. */
import "./operators.ts";
import "./collections.ts";
import "./arithmetic.ts";
import "./convert.ts";
import "./strings.ts";
import "./arrays.ts";
import "./accumulators.ts";
import "./dates/operators.ts";
import { fields, type Raw, truthy } from "../bson/raw.ts";
import { checkTime, isTurnOver, pause } from "../query/deadline.ts";
import type { ExpressionCompiler } from "../query/match.ts";
import type { ValueCompiler } from "../query/project.ts";

export { operatorNames } from "./expression.ts";

import { compileExpression, type Scope, type Variables } from "./expression.ts";
import { compileStage } from "./stages.ts";
import type { Stage, StageContext, Stream } from "./stream.ts";

/** Reads another collection through a pipeline, for `$lookup` and `$unionWith`. */
export type Reader = (collection: string, stages: readonly Raw[], environment: Environment) => Stream;

/** The context of a pipeline: variables, time, other collections. */
export class Environment implements StageContext {
  readonly now: number;
  readonly names: ReadonlySet<string>;
  readonly tests: ExpressionCompiler;
  readonly values: ValueCompiler;
  /** Text scores of the documents that a `$text` match found. */
  scores: WeakMap<Raw, number> | undefined;
  private readonly variables: Variables | undefined;
  private readonly reader: Reader;
  readonly scope: (document: Raw) => Scope;

  constructor(now: number, variables: Variables | undefined, reader: Reader) {
    this.now = now;
    this.variables = variables;
    this.reader = reader;
    const names = new Set<string>();
    for (let at = variables; at !== undefined; at = at.outer) names.add(at.name);
    this.names = names;
    this.scope = (root) => ({ root, variables: this.variables, now });
    this.values = (expression) => {
      const compiled = compileExpression(expression, this.names);
      return (document) => compiled(this.scope(document));
    };
    this.tests = (expression) => {
      const compiled = compileExpression(expression, this.names);
      return (document) => truthy(compiled(this.scope(document)));
    };
  }

  compile(stages: readonly Raw[]): Stage {
    const compiled = stages.map((stage) => compileStage(stage, this));
    return (documents) => compiled.reduce((stream, stage) => paced(stage(stream)), documents);
  }

  /** The same environment with more variables. */
  within(more: readonly (readonly [string, Raw | undefined])[]): Environment {
    const variables = more.reduce<Variables | undefined>(
      (outer, [name, value]) => ({ name, value, outer }),
      this.variables,
    );
    return new Environment(this.now, variables, this.reader);
  }

  from(collection: string, stages: readonly Raw[]): Stream {
    return this.reader(collection, stages, this);
  }
}

/** Stages may turn one document into many, and hold many. So the time is checked for each result. */
function* paced(documents: Stream): Stream {
  for (const document of documents) {
    if (isTurnOver()) yield pause;
    checkTime();
    yield document;
  }
}

/** The variables of a command's `let`. */
export function letVariables(document: Raw | undefined, now: number): Variables | undefined {
  let variables: Variables | undefined;
  if (document === undefined) return undefined;
  for (const [name, value] of fields(document)) {
    const compiled = compileExpression(value, new Set());
    variables = { name, value: compiled({ root: document, variables: undefined, now }), outer: variables };
  }
  return variables;
}
