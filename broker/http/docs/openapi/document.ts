/** OpenAPI 3.1, derived from the contracts. Nothing in it is written twice. */
import { type ServiceContract, serviceOf } from "../../../contract/contract.ts";
import { errorsOf } from "../../../contract/errors.ts";
import type { DeclaredFields } from "../../../contract/fields.ts";
import { API_BASE, apiRoutes } from "../../api-route.ts";
import type { JsonSchema } from "../json-schema.ts";
import { version } from "../version.ts";
import { Components } from "./components.ts";
import { operation } from "./operation.ts";

const DESCRIPTION = `The API of a shop.

- **Money** is in minor units of its currency, **times** are RFC 3339 in UTC, **ids** are UUIDv7.
- **Failures** are RFC 9457 problem documents with a stable \`code\`; [all of them](/docs/errors).
- **Lists** come in pages: \`nextCursor\` of one page is \`cursor\` of the next.
- **Repeated requests** with the same \`Idempotency-Key\` get the first answer again.
- **Concurrent changes** are found by entity tags: send the \`ETag\` of what you read as \`If-Match\`.
- **Tracing**: \`traceparent\` (W3C) and \`X-Request-Id\` of a request go on through all that it causes.

[The messages](/asyncapi.json) tell what happens behind the API.`;

/**
 * @param fields that extensions keep with things of others
 * @param errors all codes of the shop
 * @throws when a contract can't be described
 */
export function openapi(
  contracts: readonly ServiceContract[],
  fields: DeclaredFields = {},
  errors: ReturnType<typeof errorsOf> = errorsOf(contracts),
): JsonSchema {
  const routes = apiRoutes(contracts);
  const components = new Components(
    errors.map(([code]) => code),
    fields,
  );
  const paths: Record<string, Record<string, unknown>> = {};
  // Declared shapes first, so that equal derived ones can refer to them. Shapes of answers come before shapes of requests.
  for (const { contract } of routes)
    for (const schema of [contract.returns, ...Object.values(contract.problems ?? {})])
      components.schemas.of(schema, "output");
  for (const { contract } of routes) components.schemas.of(contract.params, "input");
  for (const route of routes) {
    const path = route.pattern.replaceAll(/:([^/]+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, components);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version,
      summary: "A commerce backend",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: API_BASE, description: "The gateway that serves this document" }],
    tags: contracts
      .filter(({ service }) => routes.some((it) => serviceOf(it.action) === service))
      .map(({ service, description }) => ({ name: service, ...(description ? { description } : {}) })),
    paths,
    components: { securitySchemes, ...components.all() },
  };
}

const securitySchemes = {
  accessToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "Access token from `POST /auth/login`, valid for 15 minutes at most; `POST /auth/refresh` gives the next. " +
      "It ends with its session. Staff and admins have the roles of their accounts.",
  },
};
