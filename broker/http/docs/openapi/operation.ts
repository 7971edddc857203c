/** One route as an operation: parameters, body and replies. */
import { serviceOf } from "../../../contract/contract.ts";
import { type ApiRoute, isVoid } from "../../api-route.ts";
import { fieldsOf, type JsonSchema, type ObjectSchema } from "../json-schema.ts";
import { requestBody } from "./body.ts";
import type { Components } from "./components.ts";
import { isRead, ownReplyHeaders, replyHeaders, requestHeaders, successHeaders } from "./headers.ts";
import { operationIdOf } from "./operation-id.ts";
import { failures } from "./problems.ts";

/** @param components collects what the operation refers to */
export function operation(route: ApiRoute, components: Components): JsonSchema {
  const { action, contract } = route;
  const params = components.schemas.of(contract.params, "input");
  const fields = fieldsOf(action, components.schemas.resolve(params));
  const inPath = pathNames(route);
  const body = requestBody(route, params, fields, inPath, components);
  const description = descriptionOf(route);
  return {
    operationId: operationIdOf(route),
    tags: [serviceOf(action)],
    summary: contract.summary,
    ...(description ? { description } : {}),
    ...(contract.deprecated ? { deprecated: true } : {}),
    security: securityOf(route),
    parameters: [...pathAndQuery(route, fields, inPath), ...requestHeaders(route, components)],
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route, components), ...failures(route, components) },
  };
}

const descriptionOf = ({ auth, contract }: ApiRoute): string =>
  [contract.description, audienceOf(auth, contract)].filter(Boolean).join("\n\n");

/** A sentence about who may call it, where a token alone is not enough. */
function audienceOf(auth: ApiRoute["auth"], { scope, alsoScope, widerScope }: ApiRoute["contract"]): string {
  if (auth === "admin") return "For admins only.";
  if (scope !== undefined && alsoScope !== undefined)
    return `For staff and API keys with both the scopes \`${scope}\` and \`${alsoScope}\`.`;
  if (scope !== undefined) return `For staff and API keys with the scope \`${scope}\`.`;
  if (widerScope !== undefined)
    return `Staff and API keys with the scope \`${widerScope}\` are not limited to their own.`;
  return "";
}

/**
 * Where a header identifies a guest, a token identifies a user. For other public routes the token makes no
 * difference.
 */
function securityOf({ auth, contract }: ApiRoute): JsonSchema[] {
  if (auth !== "public") return [{ accessToken: [] }];
  return contract.knowsCaller ? [{}, { accessToken: [] }] : [];
}

const pathNames = ({ pattern }: ApiRoute): string[] =>
  [...pattern.matchAll(/:([^/]+)/g)].map(([, name = ""]) => name);

function pathAndQuery(
  route: ApiRoute,
  { properties, required }: ObjectSchema,
  inPath: readonly string[],
): JsonSchema[] {
  for (const name of inPath)
    if (!properties[name]) throw new Error(`${route.action}: the path names :${name}, the parameters do not`);
  const described = (name: string, where: "path" | "query", must: boolean) => {
    const { description, ...schema } = properties[name] ?? {};
    if (where === "query" && route.recordParams.has(name)) return recordParameter(name, description, schema);
    return { name, in: where, required: must, ...(description ? { description } : {}), schema };
  };
  const { upload } = route.contract;
  const inBody = (name: string) => route.takesBody && (!upload || name === "file");
  const query = Object.keys(properties).filter((name) => !inPath.includes(name) && !inBody(name));
  return [
    ...inPath.map((name) => described(name, "path", true)),
    // A default makes a parameter optional for callers, although its value is always present.
    ...query.map((name) => described(name, "query", required.includes(name))),
  ];
}

/** `style: form` writes the properties of an object as parameters of their own. Their names have the record's before. */
function recordParameter(name: string, description: unknown, schema: JsonSchema): JsonSchema {
  const { additionalProperties, examples: _examples, propertyNames: _names, type: _type, ...rest } = schema;
  return {
    name,
    in: "query",
    required: false,
    style: "form",
    explode: true,
    ...(description ? { description } : {}),
    schema: { type: "object", patternProperties: { [`^${name}[.].`]: additionalProperties }, ...rest },
  };
}

const OUTCOMES: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "Done",
};
const MEDIA: Readonly<Record<string, string>> = {
  "application/pdf": "the PDF",
  "application/jsonl": "the JSON lines",
  "text/csv": "the CSV file",
  "image/webp": "the picture",
  "image/svg+xml": "the picture",
  "application/xml": "the XML",
  "text/html": "the page",
  "text/event-stream": "the stream of events",
};

function success(route: ApiRoute, components: Components): Record<string, JsonSchema> {
  const { contract, status, produces } = route;
  const headers = successHeaders(route, components);
  if (status >= 300 && isVoid(contract))
    return {
      [status]: {
        description: "Where to go on",
        headers: { ...headers, ...replyHeaders(["Location"], components) },
      },
    };
  const schema = replySchema(route, components);
  const what = MEDIA[produces] ?? `\`${components.schemas.nameOf(schema) ?? "JSON"}\``;
  const outcome = OUTCOMES[status] ?? "OK";
  const content = { [produces]: components.media(schema) };
  const replies: Record<string, JsonSchema> = {
    [status]: isVoid(contract)
      ? { description: `${outcome}; there is nothing to return`, headers }
      : { description: `${outcome}: ${what}`, headers, content },
  };
  if (isRead(route)) replies[304] = notModified(route, components);
  if (route.takesForm)
    replies[303] = {
      description: "Where the page goes on, for its own form",
      headers: replyHeaders(["Location"], components),
      content,
    };
  return replies;
}

function notModified(route: ApiRoute, components: Components): JsonSchema {
  const description = "What the caller has already is still right (`If-None-Match`)";
  const usual = replyHeaders(["ETag"], components);
  if (!route.contract.headers?.reply)
    return components.responses.add("NotModified", { description, headers: usual });
  return { description, headers: { ...usual, ...ownReplyHeaders(route, components) } };
}

function replySchema({ contract, produces }: ApiRoute, { schemas }: Components): JsonSchema {
  if (produces === "application/json") return schemas.of(contract.returns, "output");
  if (produces === "application/pdf" || produces === "image/webp")
    return { type: "string", format: "binary" };
  if (produces === "application/xml") return { type: "string" };
  const { examples } = contract.returns.meta() ?? {};
  return { type: "string", ...(examples ? { examples } : {}) };
}
