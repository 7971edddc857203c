/** Everything that the operations of an OpenAPI document refer to. */
import type { DeclaredFields } from "../../../contract/fields.ts";
import { exampleOf } from "../example.ts";
import type { JsonSchema } from "../json-schema.ts";
import { Schemas, Store } from "../schemas.ts";
import { problemSchema } from "./problem-schema.ts";

export class Components {
  readonly schemas: Schemas;
  readonly parameters = new Store("parameters");
  readonly headers = new Store("headers");
  readonly responses = new Store("responses");
  readonly examples = new Store("examples");
  /** Reference to the problem document. */
  readonly problem: JsonSchema;

  /**
   * @param codes all error codes that there are
   * @param fields of the shop's extensions
   */
  constructor(codes: readonly string[], fields: DeclaredFields) {
    this.schemas = new Schemas(fields);
    this.problem = this.schemas.of(problemSchema(codes), "output");
  }

  /** A body of one media type, with an example where one exists. */
  media(schema: JsonSchema): JsonSchema {
    const example = exampleOf(schema, this.schemas);
    const name = this.schemas.nameOf(schema);
    if (example === undefined) return { schema };
    if (name === undefined) return { schema, example };
    return { schema, examples: { [name]: this.examples.add(name, { value: example }) } };
  }

  /** As the document has them. A complete body's example is in `examples`, not in its schema. */
  all(): JsonSchema {
    const examples = this.examples.all();
    const schemas = Object.entries(this.schemas.all()).map(([name, { examples: own, ...schema }]) => [
      name,
      {
        ...schema,
        ...this.#discriminator(schema),
        ...(own === undefined || name in examples ? {} : { examples: own }),
      },
    ]);
    return {
      parameters: this.parameters.all(),
      headers: this.headers.all(),
      schemas: Object.fromEntries(schemas),
      examples,
      responses: this.responses.all(),
    };
  }

  /** Generators of many languages tell alternatives apart by it only: the field that is another constant in each. */
  #discriminator({ oneOf }: JsonSchema): JsonSchema {
    if (!Array.isArray(oneOf)) return {};
    const options = oneOf.map((it: JsonSchema) => ({ $ref: it.$ref, constants: this.#constants(it) }));
    const field = [...(options[0]?.constants.keys() ?? [])].find((name) =>
      options.every(({ $ref, constants }) => $ref !== undefined && constants.has(name)),
    );
    if (field === undefined) return {};
    const mapping = Object.fromEntries(
      options.map(({ $ref, constants }) => [String(constants.get(field)), $ref]),
    );
    return { discriminator: { propertyName: field, mapping } };
  }

  #constants(schema: JsonSchema): Map<string, unknown> {
    const { properties = {} } = this.schemas.resolve(schema);
    const fields = Object.entries(properties as Record<string, JsonSchema>);
    return new Map(fields.flatMap(([name, it]) => ("const" in it ? [[name, it.const] as const] : [])));
  }
}
