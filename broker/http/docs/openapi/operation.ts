/** One route as an operation: its parameters, body and replies. */
import { type ApiRoute, isVoid } from "../../api-route.ts";
import { type Components, nameOf, typeName } from "../components.ts";
import { fieldsOf, type JsonSchema, type ObjectSchema } from "../json-schema.ts";
import { type RouteHeaders, replyHeaders, requestHeaders } from "./headers.ts";
import { failures } from "./problems.ts";

/** `placeOrder` where the contract says so, else `ordersPlace` for `orders.place`. */
export const operationIdOf = ({ action, contract }: ApiRoute): string =>
  contract.operationId ?? action.replaceAll(/\.(\w)/g, (_, first: string) => first.toUpperCase());

export const tagOf = ({ action }: ApiRoute): string => action.slice(0, action.indexOf("."));

/** What the document around an operation knows. */
export interface DocumentParts {
  headers: RouteHeaders;
  /** Takes in the named schemas that operations refer to. */
  components: Components;
  /** All error codes that there are. */
  codes: readonly string[];
}

export function operation(route: ApiRoute, { headers, components, codes }: DocumentParts): JsonSchema {
  const { action, contract, auth } = route;
  const params = components.schema(contract.params, "input");
  const fields = fieldsOf(action, components.resolve(params));
  const body = requestBody(route, params, fields, components);
  return {
    operationId: operationIdOf(route),
    tags: [tagOf(route)],
    summary: contract.summary,
    ...(auth === "staff" || auth === "admin" ? { description: `For ${auth} only.` } : {}),
    ...(contract.deprecated ? { deprecated: true } : {}),
    security: securityOf(route, headers),
    parameters: [...pathAndQuery(route, fields), ...requestHeaders(route, headers)],
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route, components), ...failures(route, components, codes) },
  };
}

/** Where a guest has a cart, a user has another; to what else is public a token makes no difference. */
function securityOf({ auth, action, pattern }: ApiRoute, headers: RouteHeaders): JsonSchema[] {
  if (auth !== "public") return [{ accessToken: [] }];
  const isCart = headers[action]?.includes("CartId") && !pattern.startsWith("/auth/");
  return isCart ? [{}, { accessToken: [] }] : [];
}

const pathNames = ({ pattern }: ApiRoute): string[] =>
  [...pattern.matchAll(/:([^/]+)/g)].map(([, name = ""]) => name);

function pathAndQuery(route: ApiRoute, { properties, required }: ObjectSchema): JsonSchema[] {
  const inPath = pathNames(route);
  for (const name of inPath)
    if (!properties[name]) throw new Error(`${route.action}: the path names :${name}, the parameters do not`);
  const described = (name: string, where: "path" | "query", must: boolean) => {
    const { description, ...schema } = properties[name] ?? {};
    return { name, in: where, required: must, ...(description ? { description } : {}), schema };
  };
  const query = route.takesBody ? [] : Object.keys(properties).filter((name) => !inPath.includes(name));
  return [
    ...inPath.map((name) => described(name, "path", true)),
    // A default makes a parameter optional for callers, although its value is always there.
    ...query.map((name) => described(name, "query", required.includes(name))),
  ];
}

function requestBody(
  route: ApiRoute,
  params: JsonSchema,
  fields: ObjectSchema,
  components: Components,
): JsonSchema | undefined {
  if (!route.takesBody) return undefined;
  if (route.contract.body === "raw")
    return { description: "Whatever the sender signs", content: { "*/*": { schema: {} } } };
  const inPath = pathNames(route);
  const names = Object.keys(fields.properties).filter((name) => !inPath.includes(name));
  if (names.length === 0) return undefined;
  const must = names.filter((name) => fields.required.includes(name));
  const own = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, fields.properties[name]])),
    ...(must.length > 0 ? { required: must } : {}),
    additionalProperties: false,
  };
  // What is in the path is no part of the body.
  const whole = inPath.length === 0 && nameOf(params) !== undefined;
  const schema = whole ? params : components.derived(typeName(operationIdOf(route)), own);
  const { example } = fields;
  return {
    required: must.length > 0,
    content: {
      "application/json": { schema, ...(example ? { example } : {}) },
      ...(route.takesForm ? { "application/x-www-form-urlencoded": { schema } } : {}),
    },
  };
}

const OUTCOMES: Readonly<Record<number, string>> = { 201: "Created", 202: "Accepted", 204: "Done" };

function success(route: ApiRoute, components: Components): Record<string, JsonSchema> {
  const { contract, method, status, produces } = route;
  const headers = replyHeaders(route);
  const schema =
    produces === "application/json"
      ? components.schema(contract.returns, "output")
      : { type: "string", ...(produces === "application/pdf" ? { format: "binary" } : {}) };
  const replies: Record<string, JsonSchema> = {
    [status]: {
      description: OUTCOMES[status] ?? "OK",
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(isVoid(contract) ? {} : { content: { [produces]: { schema } } }),
    },
  };
  if (method === "GET" && produces !== "text/event-stream") replies[304] = { description: "Not modified" };
  if (route.takesForm)
    replies[303] = {
      description: "Where the page goes on, for its own form",
      headers: { Location: { description: "The page", schema: { type: "string" } } },
      content: { [produces]: { schema } },
    };
  return replies;
}
