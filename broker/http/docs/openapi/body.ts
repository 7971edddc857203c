/** The request body of a route. */
import { CONDITIONS } from "../../../contract/conditions.ts";
import type { ApiRoute } from "../../api-route.ts";
import type { JsonSchema, ObjectSchema } from "../json-schema.ts";
import { typeName } from "../schemas.ts";
import type { Components } from "./components.ts";
import { operationIdOf } from "./operation-id.ts";

/**
 * @param params all parameters of the action
 * @param inPath names of path parameters, which are not in the body
 */
export function requestBody(
  route: ApiRoute,
  params: JsonSchema,
  fields: ObjectSchema,
  inPath: readonly string[],
  components: Components,
): JsonSchema | undefined {
  if (!route.takesBody) return undefined;
  if (route.contract.body === "raw")
    return {
      description: "Whatever the sender signs: it is checked byte by byte",
      required: true,
      content: { "*/*": { schema: {} } },
    };
  const { upload } = route.contract;
  if (upload)
    return {
      description: `The file, of at most ${upload.max} bytes`,
      required: true,
      content: Object.fromEntries(
        upload.types.map((it) => [it, { schema: { type: "string", format: "binary" } }]),
      ),
    };
  const names = Object.keys(fields.properties).filter((name) => !inPath.includes(name));
  if (names.length === 0) return undefined;
  const required = names.filter((name) => fields.required.includes(name));
  const schema = schemaOf(route, params, { fields, names, required, inPath }, components);
  const media = components.media(schema);
  return {
    description: `\`${components.schemas.nameOf(schema)}\``,
    required: required.length > 0,
    content: {
      "application/json": media,
      ...(route.takesForm ? { "application/x-www-form-urlencoded": media } : {}),
    },
  };
}

interface Parts {
  fields: ObjectSchema;
  names: readonly string[];
  required: readonly string[];
  inPath: readonly string[];
}

function schemaOf(
  route: ApiRoute,
  params: JsonSchema,
  { fields, names, required, inPath }: Parts,
  { schemas }: Components,
): JsonSchema {
  if (inPath.length === 0 && schemas.nameOf(params) !== undefined) return params;
  const id = operationIdOf(route);
  const { conditions } = fields;
  return schemas.derived(typeName(id), {
    description: [`What \`${id}\` takes`, ...conditions].join("; "),
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, fields.properties[name]])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
    ...(conditions.length > 0 ? { [CONDITIONS]: conditions } : {}),
    ...(fields.example ? { examples: [only(names, fields.example)] } : {}),
  });
}

const only = (names: readonly string[], values: object): JsonSchema =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
