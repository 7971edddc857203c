/** OpenAPI 3.1 from the contracts: nothing in it is written twice. */
import { createRequire } from "node:module";
import type { ActionContract, ServiceContract } from "../../contract/contract.ts";
import { type ErrorCode, errorRegistry } from "../../contract/errors.ts";
import { API_BASE, type ApiRoute, apiRoutes, isVoid } from "../api-route.ts";
import { PROBLEM_TYPE } from "../problem.ts";
import { type JsonSchema, jsonSchema, type ObjectSchema, objectSchema } from "./json-schema.ts";

const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string };

/**
 * @param headers request headers that single actions care about, by the action's name
 * @throws when a contract can't be described
 */
export function openapi(contracts: readonly ServiceContract[], headers: RouteHeaders = {}): JsonSchema {
  const routes = apiRoutes(contracts);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.pattern.replaceAll(/:([^/]+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, headers);
  }
  const tags = contracts.map((it) => it.service).filter((tag) => routes.some((it) => tagOf(it) === tag));
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version,
      description:
        "A commerce backend. Money is in minor units, times are RFC 3339 in UTC, ids are UUIDv7. " +
        "Failures are RFC 9457 problem documents with a stable `code`; [all of them](/docs/errors).",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: API_BASE }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "Access token from POST /auth/login, valid for 15 minutes at most",
        },
      },
      parameters: headerParameters,
      schemas: { Problem: problemSchema },
    },
  };
}

const tagOf = ({ action }: ApiRoute): string => action.slice(0, action.indexOf("."));

function operation(route: ApiRoute, headers: RouteHeaders): JsonSchema {
  const { action, contract, auth } = route;
  const params = objectSchema(action, contract.params);
  const body = requestBody(route, params);
  return {
    operationId: action,
    tags: [tagOf(route)],
    summary: contract.summary,
    ...(auth === "staff" || auth === "admin" ? { description: `For ${auth} only.` } : {}),
    ...(contract.deprecated ? { deprecated: true } : {}),
    security: securityOf(route, headers),
    parameters: [...pathAndQuery(route, params), ...headersOf(route, headers)],
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route), ...failures(route) },
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
  { properties, required, example }: ObjectSchema,
): JsonSchema | undefined {
  if (!route.takesBody) return undefined;
  if (route.contract.body === "raw")
    return { description: "Whatever the sender signs", content: { "*/*": { schema: {} } } };
  const inPath = pathNames(route);
  const names = Object.keys(properties).filter((name) => !inPath.includes(name));
  if (names.length === 0) return undefined;
  const must = names.filter((name) => required.includes(name));
  const schema = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, properties[name]])),
    ...(must.length > 0 ? { required: must } : {}),
    additionalProperties: false,
  };
  return {
    required: must.length > 0,
    content: {
      "application/json": { schema, ...(example ? { example } : {}) },
      ...(route.takesForm ? { "application/x-www-form-urlencoded": { schema } } : {}),
    },
  };
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "Any text of 1 to 255 printable characters, best a new UUID. The same key again gets the first answer again, for 48 hours.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const headerParameters = {
  IdempotencyKey: {
    ...idempotencyKey,
    required: true,
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  },
  // No example: the docs would send it along, and whoever adds to stock twice means it.
  OptionalIdempotencyKey: idempotencyKey,
  CartId: {
    name: "X-Cart-Id",
    in: "header",
    description: "A guest's cart; the first write to a new one gives it in the reply",
    schema: { type: "string", format: "uuid" },
  },
  PreferWait: {
    name: "Prefer",
    in: "header",
    description: "`wait=N`: seconds, at most 10, that the reply may wait for the payment's next action",
    schema: { type: "string" },
    example: "wait=5",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    // No example: the docs would send it along, and whoever tries a route would be told of a newer version.
    description: 'Entity tag of the version that is to be changed, like `"3"`; 412 when there is a newer one',
    schema: { type: "string" },
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    description: 'Entity tag that the caller has already, like `"3"`; 304 when it is still right',
    schema: { type: "string" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description: "The last event that was seen; the stream goes on after it",
    schema: { type: "string" },
  },
};

export type RouteHeaders = Readonly<Record<string, readonly (keyof typeof headerParameters)[]>>;

const IDEMPOTENCY_PARAMETER = { required: "IdempotencyKey", optional: "OptionalIdempotencyKey" } as const;

function headersOf({ contract, method, action }: ApiRoute, headers: RouteHeaders): JsonSchema[] {
  const names = [
    ...(contract.idempotent ? [IDEMPOTENCY_PARAMETER[contract.idempotent]] : []),
    ...(headers[action] ?? []),
    ...(contract.etag && method === "GET" ? ["IfNoneMatch"] : []),
    ...(contract.etag && ["PUT", "PATCH", "DELETE"].includes(method) ? ["IfMatch"] : []),
    ...(contract.produces === "text/event-stream" ? ["LastEventId"] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

const text = (description: string) => ({ description, schema: { type: "string" } });

function success(route: ApiRoute): Record<string, JsonSchema> {
  const { contract, method, status, produces } = route;
  const headers = {
    ...(contract.etag && !isVoid(contract) ? { ETag: text("Version of what is returned") } : {}),
    ...(route.createsAt ? { Location: text("Where it can be read") } : {}),
    ...(contract.idempotent ? { "Idempotent-Replayed": text("`true` on a repeated answer") } : {}),
  };
  const schema =
    produces === "application/json"
      ? jsonSchema(contract.returns, "output")
      : { type: "string", ...(produces === "application/pdf" ? { format: "binary" } : {}) };
  const replies: Record<string, JsonSchema> = {
    [status]: {
      description: status === 201 ? "Created" : status === 202 ? "Accepted" : status === 204 ? "Done" : "OK",
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(isVoid(contract) ? {} : { content: { [produces]: { schema } } }),
    },
  };
  if (method === "GET" && produces !== "text/event-stream") replies[304] = { description: "Not modified" };
  if (route.takesForm)
    replies[303] = {
      description: "Where the page goes on, for its own form",
      headers: { Location: text("The page") },
      content: { [produces]: { schema } },
    };
  return replies;
}

function failures(route: ApiRoute): Record<string, JsonSchema> {
  const byStatus = new Map<number, Set<string>>();
  for (const code of codesOf(route)) {
    const { status } = errorRegistry[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: [...codes].join(", "),
        content: { [PROBLEM_TYPE]: { schema: problemOf(route.contract, [...codes]) } },
      },
    ]),
  );
}

/** One of the usual form, or of one of the forms that the contract gives for single codes. */
function problemOf({ problems = {} }: ActionContract, codes: readonly string[]): JsonSchema {
  const usual = { $ref: "#/components/schemas/Problem" };
  const special = codes.flatMap((code) => {
    const members = problems[code];
    if (!members) return [];
    const { properties, required } = jsonSchema(members, "output") as Partial<ObjectSchema>;
    const own = {
      type: "object",
      properties: { code: { type: "string", const: code }, ...properties },
      required: ["code", ...(required ?? [])],
    };
    return [{ allOf: [usual, own] }];
  });
  return special.length === 0 ? usual : { anyOf: [...special, usual] };
}

/** Codes of the contract, and those that the gateway itself answers with on such a route. */
function codesOf({ action, contract, auth, takesBody, method }: ApiRoute): ErrorCode[] {
  for (const code of Object.keys(contract.problems ?? {}))
    if (!contract.errors?.includes(code)) throw new Error(`${action}: ${code} is not among its errors`);
  const own = (contract.errors ?? []).map((code) => {
    if (!Object.hasOwn(errorRegistry, code))
      throw new Error(`${action}: ${code} is not in the error registry`);
    return code as ErrorCode;
  });
  return [
    ...own,
    "VALIDATION_FAILED",
    // A token that is presented must be good, on public routes too.
    ...(contract.body === "raw" ? [] : (["UNAUTHENTICATED"] as const)),
    ...(auth === "staff" || auth === "admin" ? (["FORBIDDEN"] as const) : []),
    ...(contract.idempotent === "required" ? (["IDEMPOTENCY_KEY_MISSING"] as const) : []),
    ...(contract.idempotent
      ? (["IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_IN_PROGRESS"] as const)
      : []),
    ...(contract.etag && method !== "GET" && method !== "POST" ? (["VERSION_MISMATCH"] as const) : []),
    ...(takesBody ? (["MALFORMED_BODY", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const) : []),
    "NOT_ACCEPTABLE",
    "RATE_LIMITED",
    "OVERLOADED",
    "UNAVAILABLE",
    "INTERNAL",
  ];
}

const problemSchema: JsonSchema = {
  type: "object",
  description: "RFC 9457 problem document",
  required: ["type", "title", "status", "detail", "code", "traceId", "instance"],
  properties: {
    type: { type: "string", format: "uri-reference" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(errorRegistry) },
    traceId: { type: "string", pattern: "^[0-9a-f]{32}$" },
    instance: { type: "string", format: "uri-reference" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["field", "message"],
        properties: { field: { type: "string" }, message: { type: "string" } },
      },
    },
  },
};
