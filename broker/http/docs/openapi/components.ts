/** All that the operations of an OpenAPI document refer to. */

import type { DeclaredFields } from "../../../contract/fields.ts";
import { exampleOf } from "../example.ts";
import type { JsonSchema } from "../json-schema.ts";
import { Schemas, Store } from "../schemas.ts";

export class Components {
  readonly schemas: Schemas;
  readonly parameters = new Store("parameters");
  readonly headers = new Store("headers");
  readonly responses = new Store("responses");
  readonly examples = new Store("examples");
  /** All error codes that there are. */
  readonly codes: readonly string[];

  /** @param fields of the shop's extensions */
  constructor(codes: readonly string[], fields: DeclaredFields) {
    this.codes = codes;
    this.schemas = new Schemas(fields);
  }

  /** A body of one media type, with an example where there is one. */
  media(schema: JsonSchema): JsonSchema {
    const example = exampleOf(schema, this.schemas);
    const name = this.schemas.nameOf(schema);
    if (example === undefined) return { schema };
    if (name === undefined) return { schema, example };
    return { schema, examples: { [name]: this.examples.add(name, { value: example }) } };
  }

  /** As the document has them. A whole body's example stands among the examples, not in its schema too. */
  all(): JsonSchema {
    const examples = this.examples.all();
    const schemas = Object.entries(this.schemas.all()).map(([name, { examples: own, ...schema }]) => [
      name,
      own === undefined || name in examples ? schema : { ...schema, examples: own },
    ]);
    return {
      parameters: this.parameters.all(),
      headers: this.headers.all(),
      schemas: Object.fromEntries(schemas),
      examples,
      responses: this.responses.all(),
    };
  }
}
